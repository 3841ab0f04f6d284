// What a session's object has on disk, read behind workerd's back.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The name of the object that a session id was signed for: 64 hexadecimal digits. */
export const objectOf = (sessionId) => Buffer.from(sessionId, "base64url").subarray(5, 37).toString("hex");

/** Whether the session's object was ever made. */
export const exists = (server, session) => existsSync(file(server, session));

/** The session's tables by name, each an array of rows; the runtime's own are left out. */
export function tables(server, session) {
  if (!exists(server, session)) return {};
  const database = new DatabaseSync(file(server, session), { readOnly: true, timeout: 5000 });
  try {
    const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const own = names.map(({ name }) => name).filter((name) => !/^(sqlite|_cf)_/.test(name));
    return Object.fromEntries(own.map((name) => [name, database.prepare(`SELECT * FROM "${name}"`).all()]));
  } finally {
    database.close();
  }
}

/** The library's rows of one kind: `state`, `event`, `ended`, ... */
export const rows = (server, session, kind) =>
  (tables(server, session).durable_mcp ?? []).filter((row) => row.kind === kind);

const file = (server, { id }) => join(server.storage, "objects/McpObject", `${objectOf(id)}.sqlite`);
