// The servers that both clients use: the demo, the fixture, and scripted ones.
import { authority } from "../../tests/support/scripted-authority.mjs";
import { scripted } from "../../tests/support/scripted.mjs";
import { demo, fixture } from "../../tests/support/workerd.mjs";

const text = (value) => ({ content: [{ type: "text", text: value }] });
const META = "io.modelcontextprotocol";

const object = (properties, more = {}) => ({ type: "object", properties, ...more });
const TOOLS = [
  { name: "exact", inputSchema: object({ id: { type: "integer" } }, { required: ["id"] }) },
  {
    name: "pay",
    inputSchema: object({
      by: {
        oneOf: [
          object({ card: { type: "string" } }, { title: "Card", required: ["card"], additionalProperties: false }),
          object({ iban: { type: "string" } }, { title: "Transfer", required: ["iban"], additionalProperties: false }),
        ],
      },
    }),
  },
];

/** One server of older versions, with tools for odd arguments. */
export const older = (more = {}) =>
  scripted({ handlers: { "tools/list": () => ({ tools: TOOLS }), "tools/call": ({ name, arguments: given }) => text(`${name}: ${JSON.stringify(given)}`) }, ...more });

/** One that knows nothing but 2026-07-28. */
export function modernAlone() {
  const complete = (result) => ({ resultType: "complete", ttlMs: 0, cacheScope: "private", ...result });
  return scripted({
    handlers: {
      initialize: () => ({ error: { code: -32601, message: "There is no initialize." } }),
      "server/discover": () => complete({ supportedVersions: ["2026-07-28"], capabilities: { tools: {} }, serverInfo: { name: "modern", version: "1" }, _meta: { [`${META}/serverInfo`]: { name: "modern", version: "1" } } }),
      "tools/list": () => complete({ tools: [{ name: "only", inputSchema: object({}) }] }),
    },
  });
}

/** One with a thousand tools. */
export function thousandTools() {
  const tools = Array.from({ length: 1000 }, (_, index) => ({ name: `tool_${index}`, inputSchema: object({}) }));
  return scripted({ handlers: { "tools/list": () => ({ tools }), "tools/call": ({ name }) => text(`this was ${name}`) } });
}

/** One whose answers no page of another origin may read. */
export const withoutCors = () =>
  older({
    answer: (_, __, response) => {
      response.removeHeader("access-control-allow-origin");
      return false;
    },
  });

/** One that forgets its sessions: `restart()`. */
export async function forgetful() {
  let sessions = new Set();
  let count = 0;
  const session = () => {
    const id = `session-${++count}`;
    sessions.add(id);
    return id;
  };
  const answer = ({ method, headers }, body, response) => {
    const id = headers["mcp-session-id"];
    if (method !== "POST" || !id || sessions.has(id)) return false;
    return Boolean(response.writeHead(404).end());
  };
  const server = await older({ session, answer });
  return Object.assign(server, { restart: () => (sessions = new Set()) });
}

/** An authorization server that approves everything, and an MCP server whose tool `admin_only` wants a scope besides. */
export async function guardedByScope() {
  const as = await authority({ tellsScope: true });
  const tools = ["anybody", "admin_only"].map((name) => ({ name, inputSchema: object({}) }));
  const asked = (scope) => as.requests.some(({ pathname, url }) => pathname === "/authorize" && new URL(url, as.origin).searchParams.get("scope")?.split(" ").includes(scope));
  let origin;
  const answer = ({ url, method, headers }, body, response) => {
    const json = (status, value, head = {}) => Boolean(response.writeHead(status, { "content-type": "application/json", ...head }).end(JSON.stringify(value)));
    const challenge = (more) => ({ "www-authenticate": `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp", ${more}` });
    if (url.startsWith("/.well-known/oauth-protected-resource")) return json(200, { resource: `${origin}/mcp`, authorization_servers: [as.origin] });
    if (url.startsWith("/.well-known/")) return json(404, {});
    if (method === "DELETE") return false;
    if (!as.access.has(headers.authorization?.replace("Bearer ", ""))) return json(401, {}, challenge('scope="read"'));
    if (body.includes('"tools/call"') && body.includes('"admin_only"') && !asked("admin")) return json(403, {}, challenge('error="insufficient_scope", scope="read admin"'));
    return false;
  };
  const server = await scripted({ handlers: { "tools/list": () => ({ tools }), "tools/call": ({ name }) => text(`${name} done`) }, answer });
  origin = server.origin;
  return { as, url: server.url, stop: () => Promise.all([as.stop(), server.stop()]) };
}

export const deployed = async () => ({ demo: await demo({ playground: true }), fixture: await fixture({ playground: true }) });
