// A resolver of its own for one name in the programs of a test.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { preloaded } from "./preload.mjs";

/** A resolver of `name`: `env` for programs, and `answer(...addresses)`; without addresses, look-ups fail for now. Those before `then` are for one look-up. */
export async function resolverOf(name) {
  const { library, folder, [Symbol.dispose]: remove } = await preloaded("resolver.c");
  const path = join(folder, "addresses");
  const resolver = {
    env: { LD_PRELOAD: library, RESOLVER_NAME: name, RESOLVER_FILE: path },
    answer(...addresses) {
      writeFileSync(`${path}.new`, addresses.join("\n"));
      renameSync(`${path}.new`, path);
    },
    [Symbol.dispose]: remove,
  };
  resolver.answer();
  return resolver;
}
