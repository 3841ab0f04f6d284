// One build at a time in a folder for compiled code, which may be that of several crates or copies of one.
import { mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Started } from "./started.mjs";
import { say } from "./say.mjs";

const AGAIN_MS = 200;

// Locks of this process. Any other that has its id is of one before it: containers give the same ids again.
const held = new Set();

/** Runs the work when no other process does any under a lock on the folder. */
export async function locked(folder, work) {
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, ".durable-mcp-lock");
  for (let told = false; !taken(lock); told = true) {
    if (!told) say(`waiting for another build (process ${holder(lock)?.pid ?? "unknown"})`);
    await sleep(AGAIN_MS);
  }
  const release = () => {
    held.delete(lock);
    rmSync(lock, { force: true });
  };
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}

// A symbolic link is made in one step on every system, and what it points at is room for its holder.
export function taken(lock) {
  try {
    symlinkSync(`${Started.self}`, lock);
    held.add(lock);
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  if (isLeft(lock)) removeLeft(lock);
  return false;
}

function isLeft(lock) {
  const by = holder(lock);
  if (by === undefined) return false;
  return by.pid === process.pid ? !held.has(lock) : !by.isRunning;
}

// Of several processes that find a lock whose holder is gone, one removes it: a second one would remove the lock that the first
// has taken since.
function removeLeft(lock) {
  const removing = `${lock}-removing`;
  try {
    symlinkSync(`${Started.self}`, removing);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    if (isLeft(removing)) rmSync(removing, { force: true });
    return;
  }
  if (isLeft(lock)) rmSync(lock, { force: true });
  rmSync(removing, { force: true });
}

function holder(lock) {
  try {
    return Started.parse(readlinkSync(lock));
  } catch {
    return undefined;
  }
}
