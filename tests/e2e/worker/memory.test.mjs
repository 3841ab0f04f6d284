// The module's memory after many operations is that after some: what a client leaves or breaks off is freed.
// `node bench/soak.mjs` does the same for as long as asked.
import { after, test } from "node:test";
import { KINDS, Soak } from "../../support/soak.mjs";

// The first ones fill what is kept on purpose: caches, pools, the room of lists.
const FIRST = 480;
const MORE = 1200;

// A list or table that doubles its room is no leak; what leaks shows in the number of allocations.
const ROOM_BYTES = 32 * 1024;

const soak = await Soak.start();
after(() => soak.stop());

test("operations of every kind leave nothing behind in the module's memory", async () => {
  await soak.run(FIRST);
  const before = await soak.settled();
  await soak.run(MORE);
  const each = MORE / KINDS.length;
  // Fewer than one for each operation of a kind.
  const slack = Math.floor(each / 2);
  await soak.returnsTo({
    pages: before.pages + 16,
    bytes: before.bytes + ROOM_BYTES,
    allocations: before.allocations + slack,
    handles: before.handles + slack,
  });
});
