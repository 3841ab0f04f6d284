// Operations of the runtime for a user's grants, each of which WebAssembly makes in one call.

export function kvGet(env, key) {
  return env.OAUTH_KV.get(key);
}

export function kvPut(env, key, value, expiration, metadata) {
  return env.OAUTH_KV.put(key, value, metadata === undefined ? { expiration } : { expiration, metadata });
}

export function kvDelete(env, key) {
  return env.OAUTH_KV.delete(key);
}

// The cursor of the next listing, then names and their metadata in turn.
export async function kvList(env, prefix, cursor, limit) {
  const page = await env.OAUTH_KV.list({ prefix, cursor, limit });
  return [page.cursor, ...page.keys.flatMap(({ name, metadata }) => [name, metadata])];
}

// A user's rows, by the user's handle, which holds no slash.
const row = (user, id) => `${user}/${id}`;

export function rowGet(state, user, id) {
  const json = state.storage.kv.get(row(user, id));
  // A value that is no text was written by another version: a row all the same.
  return json === undefined || typeof json === "string" ? json : "";
}

export function rowPut(state, user, id, json) {
  state.storage.kv.put(row(user, id), json);
}

export function rowDelete(state, user, id) {
  state.storage.kv.delete(row(user, id));
}

// Ids and values in turn.
export function rowAll(state, user) {
  const prefix = row(user, "");
  return [...state.storage.kv.list({ prefix })].flatMap(([key, json]) => [key.slice(prefix.length), json]);
}

// What is counted for a user is in rows by the name of the count first, apart from the user's rows: a handle is longer than these names.
export function countGet(state, name, user) {
  return rowGet(state, name, user);
}

export function countPut(state, name, user, json) {
  if (json === undefined) rowDelete(state, name, user);
  else rowPut(state, name, user, json);
}

const opened = new WeakSet();

// When each user is looked at next, in an object that has just woken made sure of first.
function wakes(state, statement, ...values) {
  const { sql } = state.storage;
  if (!opened.has(state)) {
    sql.exec("CREATE TABLE IF NOT EXISTS wakes (user TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID");
    sql.exec("CREATE INDEX IF NOT EXISTS wakes_at ON wakes (at)");
    opened.add(state);
  }
  return sql.exec(statement, ...values).raw().toArray();
}

export function wakesAt(state, user) {
  return wakes(state, "SELECT at FROM wakes WHERE user = ?", user)[0]?.[0];
}

export function wakeAt(state, user, time) {
  wakes(state, "INSERT OR REPLACE INTO wakes (user, at) VALUES (?, ?)", user, time);
  wakeAgain(state, 0);
}

export function due(state, now, limit) {
  return wakes(state, "SELECT user FROM wakes WHERE at <= ? ORDER BY at LIMIT ?", now, limit).flat();
}

export function lookedAt(state, user, now) {
  wakes(state, "DELETE FROM wakes WHERE user = ? AND at <= ?", user, now);
}

// The alarm is not awaited: should it fail, the runtime rolls back the writes of the same turn.
export function wakeAgain(state, earliest) {
  const [[next]] = wakes(state, "SELECT min(at) FROM wakes");
  if (next !== null) state.storage.setAlarm(Math.max(next, earliest));
}

// Waits before a note is sent again, in milliseconds: all within the 30 s that the runtime allows after an answer.
const AGAIN_MS = [200, 2_000, 10_000];

// Outcome of an object whose storage or keys failed, which may pass.
const UNAVAILABLE = '{"Err":{"Unavailable"';

// A note may be sent twice: it says the same then.
async function sendSurely(message) {
  for (let tries = 0; ; tries++) {
    try {
      const outcome = await send(...message);
      if (!outcome.startsWith(UNAVAILABLE)) return;
      throw new Error("it is unavailable");
    } catch (error) {
      if (tries === AGAIN_MS.length) throw error;
      await new Promise((done) => setTimeout(done, AGAIN_MS[tries]));
    }
  }
}

// The request is not awaited. `waitUntil` keeps a Worker's context until it is done; an object stays by itself.
export function sendLater(context, ...message) {
  const failed = (error) => console.error(`a user's object was not told: ${error}`);
  const sent = sendSurely(message).catch(failed);
  context?.waitUntil(sent);
}

export async function send(env, jurisdiction, locationHint, part, handle, command) {
  const all = env.GRANT_AUTHORITY;
  const namespace = jurisdiction === undefined ? all : all.jurisdiction(jurisdiction);
  const stub = namespace.getByName(part, locationHint === undefined ? undefined : { locationHint });
  const answer = await stub.fetch(`https://grants/${handle}`, { method: "POST", body: command });
  return answer.text();
}
