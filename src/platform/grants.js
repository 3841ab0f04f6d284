// What a user's grants need of the runtime: one call each from WebAssembly, however many it takes here.

export function kvGet(env, key) {
  return env.OAUTH_KV.get(key);
}

export function kvPut(env, key, value, expiration, metadata) {
  return env.OAUTH_KV.put(key, value, metadata === undefined ? { expiration } : { expiration, metadata });
}

export function kvDelete(env, key) {
  return env.OAUTH_KV.delete(key);
}

// Where the next listing goes on, then names and what was put beside them in turn.
export async function kvList(env, prefix, cursor) {
  const page = await env.OAUTH_KV.list({ prefix, cursor });
  return [page.cursor, ...page.keys.flatMap(({ name, metadata }) => [name, metadata])];
}

export function rowGet(state, id) {
  return state.storage.kv.get(id);
}

export function rowPut(state, id, json) {
  state.storage.kv.put(id, json);
}

export function rowDelete(state, id) {
  state.storage.kv.delete(id);
}

// Ids and values in turn.
export function rowAll(state) {
  return [...state.storage.kv.list()].flat();
}

export function wakesAt(state) {
  return state.storage.getAlarm();
}

// Nobody waits for it: should it fail, the runtime takes back what was written with it.
export function wakeAt(state, time) {
  state.storage.setAlarm(time);
}

// Nobody waits for it. The runtime keeps what is around a request until it is done; an object stays by itself.
export function sendLater(context, ...message) {
  const failed = (error) => console.error(`a user's object was not told: ${error}`);
  const sent = send(...message).catch(failed);
  context?.waitUntil(sent);
}

export async function send(env, jurisdiction, locationHint, handle, command) {
  const all = env.GRANT_AUTHORITY;
  const namespace = jurisdiction === undefined ? all : all.jurisdiction(jurisdiction);
  const stub = namespace.getByName(handle, locationHint === undefined ? undefined : { locationHint });
  const answer = await stub.fetch("https://grants/", { method: "POST", body: command });
  return answer.text();
}
