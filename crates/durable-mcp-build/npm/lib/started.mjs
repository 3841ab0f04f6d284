// Processes by their ids and the times at which they started: systems, and containers above all, give the same ids again.
import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

const SHELLS = new Set(["sh", "ash", "bash", "busybox", "dash", "ksh", "zsh"]);

/** A process that was started, and may have ended. */
export class Started {
  #time;

  constructor(pid, time = look(pid)?.time) {
    this.pid = pid;
    this.#time = time;
  }

  /** This process. */
  static get self() {
    return (own ??= new Started(process.pid));
  }

  /** Reads what `toString` gives, or an id alone; undefined for anything else. */
  static parse(text) {
    const [, pid, time = ""] = /^(\d+)(?: (.*))?$/.exec(text) ?? [];
    return pid && new Started(Number(pid), time);
  }

  toString() {
    return this.#time ? `${this.pid} ${this.#time}` : `${this.pid}`;
  }

  get isRunning() {
    if (!isThere(this.pid)) return false;
    const now = look(this.pid);
    // Systems that tell no start time leave the id alone.
    return now === undefined || (!now.isEnded && (!this.#time || now.time === this.#time));
  }

  /** Ends it, unless it has ended. */
  kill(signal) {
    if (!this.isRunning) return;
    try {
      process.kill(this.pid, signal);
    } catch {
      // Just now, or it is another user's.
    }
  }
}

let own;

/** A process: `{ parent, program, time, isEnded }`, where one that has ended waits for its parent; undefined if it cannot be told. */
export function look(pid) {
  return ofLinux(pid) ?? ofPs(pid);
}

/** The processes from this one's parent to the first that is no shell: what npm runs a script in, and npm. */
export function launchers() {
  const found = [];
  for (let pid = process.ppid; pid > 1; ) {
    const { parent = 0, program, time } = look(pid) ?? {};
    found.push(new Started(pid, time));
    pid = SHELLS.has(program) ? parent : 0;
  }
  return found;
}

function isThere(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

// proc_pid_stat(5). The name, in brackets, can have anything in it. The time is in ticks since the start of the machine.
function ofLinux(pid) {
  try {
    const [, name, rest] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8"));
    const [state, parent, ...others] = rest.split(" ");
    return { parent: Number(parent), program: programOfLinux(pid) ?? name, time: others[17], isEnded: state === "Z" };
  } catch {
    return undefined;
  }
}

// The shell that runs a script, where the name is that of the script. Other users' are not shown.
function programOfLinux(pid) {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return undefined;
  }
}

function ofPs(pid) {
  try {
    const options = { env: { ...process.env, LC_ALL: "C" }, stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" };
    const text = execFileSync("ps", ["-o", "state=,ppid=,lstart=,comm=", "-p", `${pid}`], options);
    const [, state, parent, time, program] = /^(\S)\S*\s+(\d+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\d+)\s+(.*?)\s*$/.exec(text);
    return { parent: Number(parent), program: program.replace(/^.*\/|^-/g, ""), time, isEnded: state === "Z" };
  } catch {
    return undefined;
  }
}
