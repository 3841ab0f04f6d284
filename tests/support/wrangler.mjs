// Runs the commands of the README as a user does, on a free port.
import { Child, removeFolder, temporaryFolder } from "./child.mjs";

const BUILD_MS = 900_000;

/** `npm start`: `{ url, output, stop() }` once the server is ready. The first run may build everything. */
export async function npmStart() {
  const state = temporaryFolder("durable-mcp-wrangler");
  const child = new Child("npm", ["start", "--", "--port", "0", "--persist-to", state], { group: true });
  const stop = async () => {
    await child.stop({ grace: 10_000 });
    removeFolder(state);
  };
  try {
    const ready = await child.line(/Ready on http:/, { ms: BUILD_MS });
    const [url] = /http:\/\/[^\s\/]+/.exec(ready.text);
    return {
      url,
      stop,
      get output() {
        return child.output;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
