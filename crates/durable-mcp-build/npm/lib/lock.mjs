// One build at a time in a folder for compiled code, which may be that of several crates or copies of one.
import { mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { say } from "./say.mjs";

const AGAIN_MS = 200;

/** Runs the work when no other process does any under a lock on the folder. */
export async function locked(folder, work) {
  mkdirSync(folder, { recursive: true });
  const lock = join(folder, ".durable-mcp-lock");
  for (let told = false; !taken(lock); told = true) {
    if (!told) say(`waiting for another build (process ${holder(lock) ?? "unknown"})`);
    await sleep(AGAIN_MS);
  }
  const release = () => rmSync(lock, { force: true });
  process.once("exit", release);
  try {
    return await work();
  } finally {
    process.removeListener("exit", release);
    release();
  }
}

// A symbolic link is made in one step on every system, and what it points at is room for the holder's process id.
export function taken(lock) {
  try {
    symlinkSync(`${process.pid}`, lock);
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  if (isLeft(lock)) removeLeft(lock);
  return false;
}

function isLeft(lock) {
  const pid = holder(lock);
  return Boolean(pid) && !isRunning(pid);
}

// Of several processes that find a lock whose holder is gone, one removes it: a second one would remove the lock that the first
// has taken since.
function removeLeft(lock) {
  const removing = `${lock}-removing`;
  try {
    symlinkSync(`${process.pid}`, removing);
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
    return Number(readlinkSync(lock));
  } catch {
    return undefined;
  }
}

export function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process is there, too.
    return error.code === "EPERM";
  }
}
