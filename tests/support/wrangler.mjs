// Runs the commands of the README as a user does, on a free port.
import { Child, removeFolder, temporaryFolder } from "./child.mjs";

/** Bound of a build from nothing, on a machine with other work. */
export const BUILD_MS = 900_000;

/**
 * `npm start`: `{ url, pid, output, said(match), stop() }` once the server is ready. The first run may build everything. `cwd`
 * is another copy of the repository, `env` what its environment has besides, `args` are more options.
 */
export async function npmStart({ args = [], ...options }) {
  const state = temporaryFolder("durable-mcp-wrangler");
  const child = new Child("npm", ["start", "--", ...args, "--port", "0", "--persist-to", state], { group: true, ...options });
  const stop = async () => {
    await child.stop({ grace: 10_000 });
    removeFolder(state);
  };
  try {
    const ready = await child.line(/Ready on http:/, { ms: BUILD_MS });
    const [url] = /http:\/\/[^\s\/]+/.exec(ready.text);
    return {
      url,
      pid: child.process.pid,
      stop,
      said: (match) => child.line(match),
      get output() {
        return child.output;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
