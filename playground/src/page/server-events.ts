// Events of the Web Worker about one connection, and their effect on the state of the page.
import { withNewest } from "../bounded.ts";
import type { SessionEnd, Problem, ServerInfo } from "../protocol.ts";
import type { CallHistory } from "./call-history.ts";
import type { Changes } from "./changes.ts";
import type { Say } from "./language.ts";
import type { WorkerEvent } from "./worker-rpc.ts";
import { LISTS } from "./lists.ts";
import type { LogBook } from "./log-book.ts";
import type { ServerState, Store } from "./state.ts";
import { setTasks, withTask } from "./task-list.ts";

/** Pages of which it is known that the person is through: a server may tell of any number, also of pages that nobody opened. */
const MAX_COMPLETED = 1000;

interface Parts {
  history: CallHistory;
  logs: LogBook;
  /** Follows changes of lists and resources. Its module is loaded on its first use. */
  changes: () => Promise<Changes>;
  /** The name of the tool, resource or prompt of a call. */
  nameOf: (call: number) => string | undefined;
  /** The connection has ended with a problem. */
  failed: (problem: Problem) => void;
}

export class ServerEvents {
  readonly #store: Store<ServerState>;
  readonly #say: Say;
  readonly #parts: Parts;
  /** The request that ends the session. */
  #sessionEnd: SessionEnd | undefined;

  constructor(store: Store<ServerState>, say: Say, parts: Parts) {
    this.#store = store;
    this.#say = say;
    this.#parts = parts;
  }

  hear(event: WorkerEvent): void {
    if ("rows" in event) return this.#filled(this.#store.state.trace, () => this.#store.state.trace.add(event.rows));
    if ("sessionEnd" in event) this.#sessionEnd = event.sessionEnd ?? undefined;
    else if ("progress" in event) this.#parts.history.change(event.progress.call, { progress: event.progress });
    else if ("changed" in event) void this.#parts.changes().then((changes) => changes.changed(event.changed));
    else if ("updated" in event) void this.#parts.changes().then((changes) => changes.updated(event.updated));
    else if ("logged" in event) this.#filled(this.#parts.logs, () => this.#parts.logs.add(event.logged));
    else if ("late" in event) this.#parts.history.change(event.call, { late: { result: event.late } });
    else if ("listening" in event) this.#store.set({ listening: event.listening });
    else if ("waitingStep" in event) this.#store.set({ waitingStep: event.waitingStep ?? undefined });
    else if ("question" in event) {
      this.#store.set({ questions: [...this.#store.state.questions, { number: event.question, ...event.asked }] });
    } else if ("task" in event) {
      this.#parts.history.change(event.call, { task: event.task });
      setTasks(this.#store, withTask(this.#store.state.tasks, event.task, this.#parts.nameOf(event.call) ?? ""));
    } else if ("taskStatus" in event) {
      const { taskStatus } = event;
      this.#store.state.taskNews.set(taskStatus.id, taskStatus);
      this.#store.set({});
      const known = this.#store.state.tasks.find(({ info }) => info.id === taskStatus.id);
      if (known) setTasks(this.#store, withTask(this.#store.state.tasks, taskStatus, known.tool));
    } else if ("completed" in event) {
      this.#store.set({ completed: withNewest(this.#store.state.completed, event.completed, MAX_COMPLETED), announcement: this.#say("page.completed") });
    } else if ("withdrawn" in event) {
      const questions = this.#store.state.questions.filter(({ number }) => number !== event.withdrawn);
      this.#store.set({ questions, announcement: this.#say("question.withdrawn") });
    } else if ("lost" in event) this.#store.set({ lost: event.lost });
    else if ("signedOut" in event) {
      setTasks(this.#store, []);
      this.#store.set({ calls: {}, phase: "idle", info: undefined, lost: undefined, isSignedIn: false, signIn: undefined, notice: "signIn.elsewhere", announcement: this.#say("signIn.elsewhere") });
    } else if ("found" in event) this.#found(event.found);
    else if ("closed" in event && this.#store.state.phase === "connected") {
      this.#store.set({ phase: "idle", lost: undefined, announcement: this.#say("server.gone") });
      if (event.closed) this.#parts.failed(event.closed);
    }
  }

  // Of what comes in great numbers, its first draws the page, and then each draws the views of it alone.
  #filled(into: { length: number }, add: () => void): void {
    const isFirst = into.length === 0;
    add();
    if (isFirst) this.#store.set({});
  }

  #found(info: ServerInfo | null): void {
    const notice = info ? "server.renewed" : "server.found";
    this.#store.set({ lost: undefined, problem: undefined, notice, announcement: this.#say(notice), ...(info ? { info } : {}) });
    void this.#parts.changes()
      .then((changes) => changes.refresh(LISTS).then(() => changes.follow()))
      .catch(() => {});
  }

  // A request that outlives the page ends the session, so that reloads leave none behind.
  endSession(): void {
    if (!this.#sessionEnd) return;
    const { url, method, headers } = this.#sessionEnd;
    void fetch(url, { method, headers, keepalive: true, credentials: "omit", redirect: "manual" }).catch(() => {});
  }
}
