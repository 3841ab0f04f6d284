// The build tool: a program in this package's own repository, and compiled to WebAssembly everywhere else.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tool } from "./packages.mjs";
import { run } from "./process.mjs";
import { Failure } from "./say.mjs";

const FILES = 1;
const LENGTH_BYTES = 4;

// Kept between builds of one process: the engine compiles better what has run before.
let program;

/** Writes the files of the Worker of a compiled module into a folder. */
export async function bindgen(module, folder) {
  if (!tool().endsWith(".wasm")) return runNative(module, folder);
  for (const [path, contents] of worker(readFileSync(module))) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
}

async function runNative(module, folder) {
  const { code, stderr } = await run(tool(), [module, folder]);
  if (code !== 0) throw refusal(stderr.trim() || `${tool()} does not run`);
}

function refusal(text) {
  const [, command] = /^ *(cargo update -p wasm-bindgen --precise \S+)$/m.exec(text) ?? [];
  if (!command) return new Failure(text);
  return new Failure(`Cargo.lock has another version of wasm-bindgen than the build tool. Run \`${command}\`, then try again.`);
}

// Pairs of path and contents. ../../src/export.rs says what is where in the tool's memory.
function worker(module) {
  program ??= new WebAssembly.Module(readFileSync(tool()));
  // A new instance each time: the memory of a used one stays as large as its largest work was.
  const { exports } = new WebAssembly.Instance(program);
  // Before its memory is looked at, which moves when it grows.
  const input = exports.input(module.length);
  new Uint8Array(exports.memory.buffer, input, module.length).set(module);
  let length;
  try {
    length = exports.worker();
  } catch (error) {
    throw new Failure(`The build tool broke down at the module: ${error}. Please report it with the server's Cargo.lock.`);
  }
  const output = Buffer.from(exports.memory.buffer, exports.output(), length);
  const rest = output.subarray(1);
  if (output[0] !== FILES) throw refusal(`${rest}`);
  return files(rest);
}

function* files(output) {
  let at = 0;
  const next = () => {
    const begin = at + LENGTH_BYTES;
    at = begin + output.readUInt32LE(at);
    return output.subarray(begin, at);
  };
  while (at < output.length) yield [next().toString(), next()];
}
