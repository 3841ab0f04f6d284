// Import circles between the Rust files of each crate: groups of files of which each reaches the others by `use` or by a path.
// A file in a circle can only be read with all the others. Tests do not count, nor what a module imports of the one that it is a
// part of.
//
//   node scripts/import-circles.mjs [crate...]     with the imports of each circle, for crates that are named
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Crates of the library, and their circles: those that are left are of a trait and what its methods take, or of an object and
 * its parts. */
const CIRCLES = {
  "durable-core": 0,
  "durable-mcp-protocol": 0,
  "oauth-server": 1,
  "sign-in": 0,
  "durable-mcp-worker": 2,
};

const TESTS = /#\[cfg\(test\)\]\s*mod \w+ \{/;

/** The modules of a crate: path, as `a::b`, and code without comments and tests. */
function modulesOf(folder) {
  const modules = new Map();
  for (const file of readdirSync(folder, { recursive: true })) {
    if (!file.endsWith(".rs")) continue;
    const path = file.slice(0, -3).split(/[\\/]/).join("::");
    const code = readFileSync(join(folder, file), "utf8").replace(/\/\/[^\n]*/g, "");
    modules.set(path === "lib" ? "" : path, code.split(TESTS)[0]);
  }
  return modules;
}

/** The paths of a tree of `use`, with the name that each is imported under. */
function pathsOf(tree, before = []) {
  const text = tree.trim();
  const brace = text.indexOf("{");
  if (brace < 0) {
    const [path] = text.split(" as ");
    const names = path.split("::").map((name) => name.trim()).filter(Boolean);
    return names.length > 0 ? [[...before, ...names]] : [];
  }
  const head = [...before, ...text.slice(0, brace).split("::").map((name) => name.trim()).filter(Boolean)];
  const parts = [];
  let [depth, part] = [0, ""];
  for (const char of text.slice(brace + 1, text.lastIndexOf("}"))) {
    if (char === "{") depth++;
    if (char === "}") depth--;
    if (char === "," && depth === 0) {
      parts.push(part);
      part = "";
    } else part += char;
  }
  return [...parts, part].flatMap((one) => pathsOf(one, head));
}

/** A path from a module as one from the root; none for a path into another crate. */
function absolute(modules, module, path) {
  const own = module === "" ? [] : module.split("::");
  if (path[0] === "crate") return path.slice(1);
  if (path[0] === "self") return [...own, ...path.slice(1)];
  const up = path.findIndex((name) => name !== "super");
  if (up > 0) return [...own.slice(0, own.length - up), ...path.slice(up)];
  return modules.has([...own, path[0]].join("::")) ? [...own, ...path] : undefined;
}

/** The imports of each module: by module, the modules that it names. */
export function importsOf(folder) {
  const modules = modulesOf(folder);
  const uses = new Map();
  const named = new Map();
  for (const [module, code] of modules) {
    const statements = [...code.matchAll(/(pub(?:\([^)]*\))?\s+)?\buse\s+([^;]+);/g)];
    const rest = code.replace(/(pub(?:\([^)]*\))?\s+)?\buse\s+[^;]+;/g, "");
    const inline = [...rest.matchAll(/\b(?:crate|super)(?:::\w+)+/g)].map(([path]) => path.split("::"));
    const found = [...statements.flatMap(([, isPublic, tree]) => pathsOf(tree).map((path) => [path, Boolean(isPublic)])), ...inline.map((path) => [path, false])]
      .map(([path, isPublic]) => [absolute(modules, module, path), isPublic])
      .filter(([path]) => path !== undefined);
    uses.set(module, found);
    named.set(module, new Map(found.map(([path]) => [path.at(-1), path])));
  }
  // A name that a module has from another one is followed to where it is defined.
  const resolve = (path, steps = 0) => {
    for (let length = path.length; length >= 0; length--) {
      const module = path.slice(0, length).join("::");
      if (!modules.has(module)) continue;
      const from = named.get(module).get(path[length]);
      const isFollowed = length < path.length && from && from.join("::") !== path.join("::") && steps < 10;
      return isFollowed ? resolve([...from, ...path.slice(length + 1)], steps + 1) : module;
    }
  };
  const isBelow = (module, other) => other === "" || module.startsWith(`${other}::`);
  const imports = new Map();
  for (const [module, found] of uses) {
    const targets = new Set();
    for (const [path, isPublic] of found) {
      const isOfChild = isPublic && isBelow(path.join("::"), module);
      const target = isOfChild ? undefined : resolve(path);
      if (target !== undefined && target !== module && !isBelow(module, target)) targets.add(target);
    }
    imports.set(module, targets);
  }
  return imports;
}

/** The strongly connected components of more than one module (Tarjan). */
export function circlesOf(imports) {
  const [index, low, stack, circles] = [new Map(), new Map(), [], []];
  const visit = (module) => {
    index.set(module, index.size);
    low.set(module, index.get(module));
    stack.push(module);
    for (const target of imports.get(module) ?? []) {
      if (!index.has(target)) visit(target);
      if (stack.includes(target)) low.set(module, Math.min(low.get(module), low.get(target)));
    }
    if (low.get(module) === index.get(module)) {
      const circle = stack.splice(stack.indexOf(module));
      if (circle.length > 1) circles.push(circle.sort());
    }
  };
  for (const module of imports.keys()) if (!index.has(module)) visit(module);
  return circles;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const named = process.argv.slice(2);
  let isOver = false;
  const counts = [];
  for (const [crate, most] of Object.entries(CIRCLES)) {
    const folder = join(root, "crates", crate, "src");
    const imports = importsOf(folder);
    const circles = circlesOf(imports);
    counts.push(`${crate} ${circles.length}`);
    if (circles.length > most) isOver = true;
    if (circles.length <= most && !named.includes(crate)) continue;
    for (const circle of circles) {
      console.error(`${relative(root, folder)}: ${circle.join(", ")}`);
      for (const module of circle) {
        const inside = [...imports.get(module)].filter((target) => circle.includes(target));
        console.error(`  ${module} imports ${inside.join(", ")}`);
      }
    }
  }
  if (isOver) {
    console.error("There is a new import circle: move what both sides use into a file of its own.");
    process.exit(1);
  }
  console.log(`import circles: ${counts.join(", ")}`);
}
