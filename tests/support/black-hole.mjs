// An address at which connections are neither accepted nor refused.
import { connect } from "node:net";
import { Child } from "./child.mjs";
import { until } from "./wait.mjs";

// With a queue for one, the system completes two connections before it is silent.
const COMPLETED = 2;
const LISTENER = (host, port) => `require("node:net").createServer(() => {}).listen({ host: ${JSON.stringify(host)}, port: ${port}, backlog: 1 }, () => console.log("listening"))`;

/** A black hole at a port, `undefined` where the machine lacks the address. `isSilent()` tells whether it still is one. */
export async function blackHole(host, port) {
  const listener = new Child(process.execPath, ["-e", LISTENER(host, port)]);
  try {
    await listener.line(/^listening$/);
  } catch {
    await listener.kill();
    return undefined;
  }
  // Stopped, it takes no connection out of its queue.
  listener.signal("SIGSTOP");
  const sockets = Array.from({ length: COMPLETED + 2 }, () => connect({ host, port }).on("error", () => {}));
  const open = () => sockets.filter(({ readyState }) => readyState === "open").length;
  await until(() => open() === COMPLETED, () => `a full queue, of ${open()}`, { every: 10 });
  return {
    isSilent: () => sockets.filter(({ readyState }) => readyState === "opening").length === sockets.length - COMPLETED,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await listener.kill();
    },
  };
}
