// Memory that is left after many operations of every kind, and after a minute of quiet.
//
//   node bench/soak.mjs [operations] [baseline]     50000 and 5000 without numbers; run `scripts/build tests/fixture` before
//   node bench/soak.mjs each [operations] [kind]... what so many of each kind leave, 40 without a number
//
// `pages`, `bytes`, `allocations` and `handles` are the module's; resident memory is that of workerd, which holds the
// JavaScript engine, the objects' databases and their connections besides.
import { KINDS, Soak } from "../tests/support/soak.mjs";

const STEP = 5_000;

await using soak = await Soak.start();
if (process.argv[2] === "each") await each(Number(process.argv[3] ?? 40), process.argv.slice(4));
else await all(Number(process.argv[2] ?? 50_000), Number(process.argv[3] ?? 5_000));

async function each(count, kinds) {
  await soak.run(2 * KINDS.length);
  for (const kind of kinds.length > 0 ? kinds : KINDS) {
    const before = await soak.settled();
    await soak.run(count, [kind]);
    const after = await soak.settled();
    const left = Object.keys(after).map((name) => `${name} ${after[name] - before[name]}`);
    console.log(`${kind.padEnd(40)} ${left.join("  ")}`);
  }
}

async function all(operations, baseline) {
  show("at the start", await soak.memory());
  await soak.run(baseline);
  const before = await soak.settled();
  show(`after ${baseline}`, before);
  for (let done = baseline; done < operations; done += STEP) {
    const count = Math.min(STEP, operations - done);
    await soak.run(count);
    show(`after ${done + count}, at once`, await soak.memory());
  }
  const after = await soak.settled();
  show(`after ${operations}, quiet`, after);
  for (const [kind, count] of Object.entries(soak.counts)) console.log(`${String(count).padStart(7)} ${kind}`);
  // One allocation for each hundred operations of a kind would be a leak; less is the room of lists and caches.
  const most = (operations - baseline) / KINDS.length / 100;
  const leaked = ["allocations", "handles"].filter((name) => after[name] > before[name] + most);
  if (leaked.length > 0) {
    console.log(`leaked: ${leaked.join(", ")}`);
    process.exitCode = 1;
  }
}

function show(name, memory) {
  const numbers = Object.entries(memory).map(([key, value]) => `${key} ${value}`);
  console.log(`${name.padEnd(24)} ${numbers.join("  ")}  resident ${(soak.resident() / 1024).toFixed(0)} MiB`);
}
