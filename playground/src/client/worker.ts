// The Web Worker: connections of the page, each by its number. Nothing of it can reach a document.
import { config } from "zod/v4/core";
import { isMissingPart, onMissingPart } from "../missing.ts";
import type { FromWorker, OperationName, Operations, Problem, ToWorker } from "../protocol.ts";
import type { Account } from "./account.ts";
import { Accounts } from "./accounts.ts";
import { Connection } from "./connection.ts";
import { Fetcher } from "./fetcher.ts";
import { problemOf } from "./problem.ts";
import { SignIn } from "./sign-in.ts";
import { Trace } from "./trace.ts";

// The page's policy forbids code from text, and a try would be reported.
config({ jitless: true });

const connections = new Map<number, Connection>();

const tell = (message: FromWorker) => self.postMessage(message);

const accounts = new Accounts(tell, (server) => void signedOut(server));

const endAll = (ended: Connection[]) => Promise.all(ended.map((connection) => connection.signOutHere()));

// Each tab revokes its own tokens.
async function signedOut(server: string): Promise<void> {
  await endAll([...connections.values()].filter(({ url }) => url === server));
  if (accounts.has(server)) await (await accounts.of(server)).forget();
}

function connectionOf(id: number): Connection {
  let connection = connections.get(id);
  if (!connection) connections.set(id, (connection = new Connection(id, tell, accounts)));
  return connection;
}

function signInTo(resource: string, scope: string, account: Account): SignIn {
  const fetcher = new Fetcher(new Trace(() => {}));
  // A token without the scope is replaced by one with its own and this one.
  fetcher.challenge = { status: 403, header: `Bearer scope="${scope}"` };
  return new SignIn(resource, scope, fetcher, account);
}

/** Problems that have causes to be told apart. */
const EXPLAINED = new Set<Problem["kind"]>(["blocked", "refused", "http", "protocol", "timeout", "other"]);

const tracing = () => import("./tracing.ts");

type Handlers = { [K in OperationName]: (connection: Connection, given: Operations[K]["arguments"]) => Promise<Operations[K]["result"]> };

const HANDLERS: Handlers = {
  connect: (connection, { target }) => connection.connect(target),
  disconnect: (connection) => connection.disconnect().then(() => null),
  close: async (connection) => (connections.delete(connection.id), null),
  retry: async (connection) => (connection.retry(), null),
  list: (connection, { what, next }) => connection.list(what, next),
  call: (connection, { call, tool, json, asTask, isWhole }) => connection.calls.call(call, tool, json, asTask, isWhole),
  follow: (connection, { call, task }) => connection.calls.follow(call, task),
  tasks: (connection, { cursor }) => connection.tasks(cursor),
  setRoots: (connection, { roots }) => connection.setRoots(roots).then(() => null),
  cancel: async (connection, { call }) => (connection.calls.cancel(call), null),
  watch: (connection, wanted) => connection.watch(wanted),
  setLogLevel: (connection, { level }) => connection.setLogLevel(level),
  listenAgain: (connection) => connection.listenAgain(),
  read: (connection, { call, uri, isWhole }) => connection.calls.read(call, uri, isWhole),
  complete: (connection, request) => connection.complete(request),
  prompt: (connection, { call, name, values }) => connection.calls.prompt(call, name, values),
  textRows: async (_, { id, columns, from, count }) => (await import("./long-texts.ts")).rowsOf(id, columns, from, count),
  textFind: async (_, { id, text, from }) => (await import("./long-texts.ts")).find(id, text, from),
  textFile: async (_, { id }) => (await import("./long-texts.ts")).fileOf(id),
  searchTrace: async (connection, { text, of }) => (await tracing()).search(connection.traces, text, of),
  traceEntry: async (connection, { number, isPlain, of }) => (await tracing()).view(connection.traces, number, isPlain, of),
  traceRequest: async (connection, { number, of }) => (await tracing()).traceOf(connection.traces, of).portable(number) ?? null,
  pinTrace: async (connection, { number, isPinned }) => (connection.traces.live.pin(number, isPinned), null),
  clearTrace: async (connection) => (connection.traces.live.clear(), null),
  exportTrace: async (connection, { of }) => (await tracing()).exported((await tracing()).traceOf(connection.traces, of)),
  importTrace: async (connection, { file }) => (await tracing()).imported(connection.traces, file),
  portable: (connection, { tool, json }) => connection.portable(tool, json),
  setStepping: async (connection, { is }) => (connection.setStepping(is), null),
  goOn: async (connection) => (connection.goOn(), null),
  offer: (connection) => connection.signIn.offer(),
  authorize: (connection, { callback, document, isOnDevice }) => connection.signIn.authorize(callback, document, isOnDevice),
  redeem: (connection, { parameters }) => connection.signIn.redeem(parameters).then(() => null),
  async signOut(connection, { server }) {
    await connection.signOut(server);
    await endAll([...connections.values()].filter(({ url, isConnected }) => url === server && isConnected));
    return null;
  },
  keptSignIns: () => accounts.kept(),
  deploymentSignIn: async (_, request) => (await import("./deployment-sign-in.ts")).handle(request, { accounts, signInTo }),
  chat: async (_, request) => (await import("./chat.ts")).handle(request, tell),
};

onMissingPart(self, () => tell({ outdated: true }));

self.addEventListener("message", async ({ data }: MessageEvent<ToWorker>) => {
  if ("restored" in data) {
    return accounts.restore(data.restored);
  }
  const connection = connectionOf(data.connection);
  if ("answer" in data) return connection.questions.answer(data.answer, data.reply);
  const handler = HANDLERS[data.operation] as (connection: Connection, given: unknown) => Promise<unknown>;
  const since = Date.now();
  try {
    const result = await handler(connection, data.arguments);
    connection.traces.live.flush();
    tell({ id: data.id, result });
  } catch (error) {
    connection.traces.live.flush();
    if (isMissingPart(error)) tell({ outdated: true });
    const problem = await problemOf(error, connection.url);
    const isSigningIn = ["offer", "authorize", "redeem"].includes(data.operation);
    if (!isSigningIn && !EXPLAINED.has(problem.kind)) return tell({ id: data.id, problem });
    // Where the part for it cannot be loaded, the problem has no cause.
    const explained = import("./diagnosis.ts").then(({ diagnosed }) => diagnosed(error, problem, { url: connection.url, fetcher: connection.fetcher, since, isSigningIn }));
    tell({ id: data.id, problem: await explained.catch(() => (navigator.onLine ? problem : { ...problem, cause: "offline" })) });
  }
});

tell({ started: true });
