// The configuration of workerd: the Worker as wrangler.toml binds it, and the services that a deployment has around it.
import { readFileSync, readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { parse } from "smol-toml";
import { ASSETS, FRONT, headerRules } from "./assets.mjs";
import { root } from "./child.mjs";
import { FAULTY_KV } from "./faulty-kv.mjs";
import { TIMER, TIMER_FLAGS } from "./timer.mjs";
import { MARKER } from "./trace.mjs";

// The runtime's own wrapper of Workers AI, as a deployment has it, around a service of the test's.
const AI = {
  name: "AI",
  wrapped: { moduleName: "cloudflare-internal:ai-api", innerBindings: [{ name: "fetcher", service: "ai" }] },
};

const OLD_ENOUGH = { compatibilityDate: "2024-04-03" };

/** The text of the file; options as for `startWorker`, `ports` by socket, a free one where there is none. */
export function configFile(options, storage, ports) {
  const { build, vars, flags, withoutFlags, outbound, secondSocket, trace, ai, faultyKv, timer, playground, v8Flags = [] } = options;
  const wrangler = parse(readFileSync(join(root, "wrangler.toml"), "utf8"));
  const main = new TestedWorker(wrangler, build, vars, { flags, withoutFlags, ai, playground, kv: faultyKv ? "faulty-kv" : "kv-service" });
  const workers = [
    { name: "main", socket: playground === true ? "behind" : "http", worker: main.owner() },
    playground === true && { name: "front", socket: "http", worker: frontWorker("main") },
    secondSocket && { name: "second", socket: "second", worker: main.guest() },
    faultyKv && { name: "faulty-kv", socket: "faults", entrypoint: "control", worker: faultyKvWorker(wrangler) },
    timer && { name: "timer", socket: "timer", worker: timerWorker() },
    trace && { name: "marker", socket: "marker", worker: { ...OLD_ENOUGH, modules: [module("marker.js", MARKER)] } },
  ].filter(Boolean);
  const config = {
    v8Flags,
    services: [
      ...workers.map(({ name, worker }) => ({ name, worker })),
      internet(outbound),
      disk("objects", storage),
      disk("kv", storage),
      ...(playground ? [{ name: "assets", disk: { path: ASSETS } }, { name: "nothing", worker: nothing() }, { name: "files", worker: frontWorker("nothing") }] : []),
      { name: "kv-service", worker: kvWorker() },
      ...(ai ? [{ name: "ai", worker: { ...OLD_ENOUGH, modules: [module("ai.js", ai)] } }] : []),
    ],
    sockets: workers.map(({ name, socket, entrypoint }) => ({
      name: socket,
      address: `127.0.0.1:${ports[socket] ?? 0}`,
      http: {},
      service: entrypoint ? { name, entrypoint } : name,
    })),
  };
  return `using Workerd = import "/workerd/workerd.capnp";\nconst config :Workerd.Config = ${capnp(config)};\n`;
}

class TestedWorker {
  constructor(wrangler, build, vars, { flags = [], withoutFlags = [], ai, playground, kv }) {
    const shipped = (wrangler.compatibility_flags ?? []).filter((flag) => !withoutFlags.includes(flag));
    this.code = {
      modules: modulesOf(build),
      compatibilityDate: wrangler.compatibility_date,
      compatibilityFlags: [...new Set([...shipped, ...flags])],
    };
    this.objects = wrangler.durable_objects?.bindings ?? [];
    this.bindings = [
      ...Object.entries({ ...wrangler.vars, ...vars }).map(([name, value]) =>
        typeof value === "string" ? { name, text: value } : { name, json: JSON.stringify(value) },
      ),
      ...(wrangler.kv_namespaces ?? []).map(({ binding: name }) => ({
        name,
        kvNamespace: ofNamespace(kv, name),
      })),
      ...(ai ? [AI] : []),
      ...(playground ? [{ name: wrangler.assets.binding, service: "files" }] : []),
    ];
  }

  /** The Worker that the objects run in. */
  owner() {
    return {
      ...this.code,
      bindings: [...this.bindings, ...this.#objectBindings((className) => className)],
      ...storedObjects(this.objects.map(({ class_name: className }) => className)),
    };
  }

  /** The same code in an isolate of its own, with the owner's objects. */
  guest() {
    const elsewhere = (className) => ({ className, serviceName: "main" });
    return { ...this.code, bindings: [...this.bindings, ...this.#objectBindings(elsewhere)] };
  }

  #objectBindings(namespace) {
    return this.objects.map(({ name, class_name: className }) => ({
      name,
      durableObjectNamespace: namespace(className),
    }));
  }
}

const storedObjects = (classes) => ({
  durableObjectNamespaces: classes.map((className) => ({ className, uniqueKey: className, enableSql: true })),
  durableObjectStorage: { localDisk: "objects" },
});

// The KV service that workerd carries, which is a Worker too.
const kvWorker = () => ({
  ...OLD_ENOUGH,
  modules: [{ name: "kv.js", bundled: "/workerd/kv.js" }],
  bindings: [
    { name: "SHARD", durableObjectNamespace: "KVNamespace" },
    { name: "BLOBS", service: "kv" },
  ],
  ...storedObjects(["KVNamespace"]),
});

// One that fails when told to, and else hands on to it.
const faultyKvWorker = (wrangler) => ({
  ...OLD_ENOUGH,
  modules: [module("faulty-kv.js", FAULTY_KV)],
  bindings: (wrangler.kv_namespaces ?? []).map(({ binding }) => ({
    name: binding,
    service: ofNamespace("kv-service", binding),
  })),
});

// What Cloudflare puts before a Worker with assets; behind its binding, there is no Worker.
const frontWorker = (behind) => ({
  ...OLD_ENOUGH,
  modules: [module("front.js", FRONT)],
  bindings: [
    { name: "FILES", service: "assets" },
    { name: "MAIN", service: behind },
    { name: "RULES", json: JSON.stringify(headerRules()) },
  ],
});

const nothing = () => ({ ...OLD_ENOUGH, modules: [module("nothing.js", "export default { fetch: () => new Response(null, { status: 404 }) };")] });

const timerWorker = () => ({
  ...OLD_ENOUGH,
  compatibilityFlags: TIMER_FLAGS,
  modules: [module("timer.js", TIMER)],
  bindings: [{ name: "MAIN", service: "main" }],
});

// A KV service is told the namespace by the properties of its binding.
const ofNamespace = (service, namespace) => ({ name: service, props: { json: JSON.stringify({ namespace }) } });

const disk = (name, storage) => ({ name, disk: { path: join(storage, name), writable: true } });

const internet = (outbound) => ({
  name: "internet",
  ...(outbound
    ? { external: { address: outbound, http: { forwardedProtoHeader: "X-Forwarded-Proto" } } }
    : { network: { allow: [] } }),
});

const KINDS = { ".js": "esModule", ".mjs": "esModule", ".wasm": "wasm" };
const module = (name, content) => ({ name, [KINDS[extname(name)]]: content });

// The main module comes first.
function modulesOf(build) {
  const files = readdirSync(build, { recursive: true });
  const others = files.filter((file) => extname(file) in KINDS && file !== "index.js" && !file.startsWith("."));
  return ["index.js", ...others].map((name) => module(name, new Embed(`/${name}`)));
}

// A file's content, by its path in the folder to import from.
class Embed {
  constructor(path) {
    this.path = path;
  }
}

// A value in Cap'n Proto's text format.
function capnp(value) {
  if (value instanceof Embed) return `embed ${JSON.stringify(value.path)}`;
  if (Array.isArray(value)) return `[${value.map(capnp).join(",\n")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const fields = Object.entries(value).map(([name, field]) => `${name} = ${capnp(field)}`);
  return `(${fields.join(", ")})`;
}
