// All that the page shows.
import { BoundedMap } from "../bounded.ts";
import type { Json } from "../exact.ts";
import type { Answer, ServerQuestion, HeaderFault, WaitingStep, Listening, ListName, LogLevel, Problem, Prompt, Resource, ResourceTemplate, ServerInfo, SignInOffer, Target, TaskInfo, Tool } from "../protocol.ts";
import type { Word } from "../words/en.ts";
import type { TaskEntry } from "./task-list.ts";
import type { Caller } from "./caller.ts";
import type { Language } from "./language.ts";
import type { SavedServer } from "./server-storage.ts";
import { Observable } from "./observable.ts";
import { TraceLog } from "./trace-log.ts";

export type TraceKind = "all" | "out" | "in" | "http" | "faults" | "deviations" | "signIn" | "pinned";

export type Tab = "tools" | "resources" | "prompts" | "tasks" | "logs" | "trace";

/** A page that a server asked the person to open. */
export interface OpenedPage {
  /** Names it in the server's notification that the person is through. */
  id: string;
  host: string;
}

/** One call of a tool, read of a resource or use of a prompt, finished or not. */
export interface CallRecord {
  number: number;
  at: number;
  /** The arguments of a tool, as JSON. */
  json?: string;
  answer?: Answer;
  problem?: Problem;
  /** The task that the call became, as its server last described it. */
  task?: TaskInfo;
  /** Pages that the person opened for it. */
  pages?: OpenedPage[];
  /** An earlier page of this tab made it. */
  isKept?: true;
  /** The reason why a call of an earlier page has no outcome: none came, it became a task, or it was too large to be kept. */
  lacks?: "answer" | "task" | "room";
  /** A result that came after the call had ended. */
  late?: { result: unknown };
  progress?: { progress: number; total?: number; message?: string };
}

/** A question of the server that waits for the person. */
export interface Question extends ServerQuestion {
  number: number;
}

/** A list's age, and what a change of it brought and took. */
export interface ListState {
  /** Milliseconds since 1970. */
  at: number;
  ttlMs: number | undefined;
  faults: Record<string, HeaderFault>;
  added: string[];
  gone: unknown[];
}

/** State of one server on the page. */
export interface ServerState {
  /** Stays the same over reloads. */
  id: string;
  target: Target;
  /** The address as it is being typed. */
  typed: string | undefined;
  /** The id of the saved server that this one is. */
  saved: string | undefined;
  /** The address came from a link, and the person has not said yes to it. */
  isLinked: boolean;
  phase: "idle" | "connecting" | "connected";
  problem: Problem | undefined;
  info: ServerInfo | undefined;
  tab: Tab;
  tools: Tool[];
  resources: Resource[];
  templates: ResourceTemplate[];
  prompts: Prompt[];
  lists: Partial<Record<ListName, ListState>>;
  listening: Listening;
  /** Absent while the person has chosen none. */
  logLevel: LogLevel | "" | undefined;
  /** Resources whose changes the person wants to hear of, and those that have changed since they were read. */
  watched: string[];
  updated: string[];
  chosen: Partial<Record<Tab, string>>;
  search: Partial<Record<Tab, string>>;
  /** Arguments of each tool, as the person left them. */
  drafts: Record<string, Json>;
  /** Owner of the calls and tasks, once there was a connection. */
  caller: Caller | undefined;
  /** By tab and name, the newest first. */
  calls: Record<string, CallRecord[]>;
  questions: Question[];
  /** Calls of tools that became tasks, the oldest first. */
  tasks: TaskEntry[];
  /** Statuses of tasks that the server sent by itself, by task id. */
  taskNews: BoundedMap<string, TaskInfo>;
  /** Pages with which the person is through, as the server says. */
  completed: string[];
  trace: TraceLog;
  /** The entries of the trace that are shown. */
  traceKind: TraceKind;
  signIn: { offer: SignInOffer | undefined; isWaiting: boolean; fault: Problem | undefined; isStepUp: boolean } | undefined;
  /** The sign-in goes step by step, and what waits for the person in it. */
  isStepping: boolean;
  waitingStep: WaitingStep | undefined;
  isSignedIn: boolean;
  /** Seconds until a server that cannot be reached is tried again. */
  lost: number | undefined;
  /** A change of the connection that the person is told of. */
  notice: Word | undefined;
  /** Said to readers that do not see the page. */
  announcement: string;
}

/** The name that a server gives itself, with its host: a name can be anybody's. */
export function serverName({ info, target }: Pick<ServerState, "info" | "target">): string {
  const host = URL.parse(target.url)?.host ?? "";
  const name = info?.title ?? info?.name ?? host;
  return name === host ? host : `${name} (${host})`;
}

/** The chat of this deployment: its models, and whether it takes a sign-in. */
export interface ChatSettings {
  models: string[];
  signIn: boolean;
}

/** State of the page beside that of its servers. */
export interface PageState {
  /** None where the chat is off. */
  chat?: ChatSettings;
  /** None where there is no relay; else whether it takes a sign-in. */
  relay?: { signIn: boolean };
  /** The chat is shown in place of the parts of a server. */
  isChatting?: boolean;
  /** The message that is being written to the chat. */
  drafted?: string;
  language: Language;
  /** The number of the connection that is shown. */
  shown: number;
  /** Failures of the browser's storage. */
  storage: "denied" | "corrupt" | undefined;
  servers: SavedServer[];
  /** A part of the page could not be loaded. */
  isOutdated: boolean;
}

/** The shown server, and the page. */
export interface State extends PageState, ServerState {}

/** A server's lists before they are fetched. */
export const NOTHING_LISTED: Pick<ServerState, ListName | "lists" | "listening" | "watched" | "updated"> = {
  tools: [],
  resources: [],
  templates: [],
  prompts: [],
  lists: {},
  listening: { state: "none" },
  watched: [],
  updated: [],
};

/** Tasks of which the last that a server said by itself is kept: it may tell of any number. */
const MAX_TASK_NEWS = 1000;

/** A server that nothing was done with yet. */
export const newServer = (target: Target): ServerState => ({
  id: crypto.randomUUID(),
  target,
  typed: undefined,
  saved: undefined,
  isLinked: false,
  phase: "idle",
  problem: undefined,
  info: undefined,
  tab: "tools",
  ...NOTHING_LISTED,
  logLevel: undefined,
  chosen: {},
  search: {},
  drafts: {},
  caller: undefined,
  calls: {},
  questions: [],
  completed: [],
  tasks: [],
  taskNews: new BoundedMap(MAX_TASK_NEWS),
  trace: new TraceLog(),
  traceKind: "all",
  signIn: undefined,
  isStepping: false,
  waitingStep: undefined,
  isSignedIn: false,
  lost: undefined,
  notice: undefined,
  announcement: "",
});

export class Store<State extends object> extends Observable {
  #state: State;

  constructor(state: State) {
    super();
    this.#state = state;
  }

  get state(): State {
    return this.#state;
  }

  set(more: Partial<State>): void {
    this.#state = { ...this.#state, ...more };
    this.changed();
  }
}
