// Rows of a session's object on disk, read behind workerd's back.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { WAIT_MS } from "./wait.mjs";

/** The name of the object that a session id was signed for: 64 hexadecimal digits. */
export const objectOf = (sessionId) => Buffer.from(sessionId, "base64url").subarray(5, 37).toString("hex");

/** Whether the session's object was ever made. */
export const exists = (server, session) => existsSync(file(server, session));

/** The session's tables by name, each an array of rows; the runtime's own are left out. */
export function tables(server, session) {
  if (!exists(server, session)) return {};
  return tablesIn(file(server, session));
}

function tablesIn(path) {
  const database = new DatabaseSync(path, { readOnly: true, timeout: WAIT_MS });
  try {
    const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
    const own = names.map(({ name }) => name).filter((name) => !/^(sqlite|_cf)_/.test(name));
    return Object.fromEntries(own.map((name) => [name, database.prepare(`SELECT * FROM "${name}"`).all()]));
  } finally {
    database.close();
  }
}

/** The rows of a table in all objects of a class. */
export function rowsOfAll(server, className, table) {
  const folder = join(server.storage, "objects", className);
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith(".sqlite") && file !== "metadata.sqlite");
  return files.flatMap((file) => tablesIn(join(folder, file))[table] ?? []);
}

/** The library's rows of one kind: `state`, `event`, `ended`, ... */
export const rows = (server, session, kind) =>
  (tables(server, session).durable_mcp ?? []).filter((row) => row.kind === kind);

const file = (server, { id }) => join(server.storage, "objects/McpObject", `${objectOf(id)}.sqlite`);
