// The module's memory after many operations is that after some: what a client leaves or breaks off is freed.
// `node bench/soak.mjs` does the same for as long as asked.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Soak } from "../support/soak.mjs";

// The first ones fill what is kept on purpose: caches, pools, the room of lists.
const FIRST = 400;
const MORE = 1200;

const soak = await Soak.start();
after(() => soak.stop());

test("operations of every kind leave nothing behind in the module's memory", async () => {
  await soak.run(FIRST);
  const before = await soak.settled();
  await soak.run(MORE);
  const each = Math.min(...Object.values(soak.counts)) - FIRST / Object.keys(soak.counts).length;
  assert.ok(each >= 50, `every kind ran often enough to be seen: ${JSON.stringify(soak.counts)}`);
  // Fewer than one for each operation of the rarest kind: not even one of them may be left of each.
  const slack = Math.floor(each / 2);
  await soak.returnsTo({
    pages: before.pages + 16,
    bytes: before.bytes + slack * 256,
    allocations: before.allocations + slack,
    handles: before.handles + slack,
  });
});
