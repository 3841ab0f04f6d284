// The work of scripts/grants: one request to `POST /operator`, and its answer for people or, with --json, for programs.
import { parseArgs } from "node:util";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const ARGUMENTS = { list: [], end: ["grant"], "end-session": ["grant", "session"], "end-all": [] };

class Wrong extends Error {}

function read() {
  const { values, positionals } = parseArgs({ options: { json: { type: "boolean" } }, allowPositionals: true });
  const [address, action, user, ...rest] = positionals;
  const names = Object.hasOwn(ARGUMENTS, action ?? "") ? ARGUMENTS[action] : undefined;
  if (!user || !names || rest.length !== names.length) {
    throw new Wrong("What is to be done cannot be read: scripts/grants --help has the commands.");
  }
  const url = URL.parse?.(address) ?? new URL(address);
  // The token is not sent where others could read it.
  if (url.protocol !== "https:" && !LOOPBACK.includes(url.hostname)) throw new Wrong(`${address} is not https.`);
  const token = process.env.OPERATOR_TOKEN;
  if (!token) throw new Wrong("Set OPERATOR_TOKEN to the deployment's secret of that name.");
  const fields = Object.fromEntries(names.map((name, at) => [name, rest[at]]));
  return { json: values.json, url: new URL("/operator", url), token, user, request: { do: action, ...fields } };
}

// GitHub's users are stored by number, since a login can pass to somebody else.
async function named(user) {
  if (user.startsWith("handle:")) return { handle: user.slice("handle:".length) };
  if (!user.startsWith("github:@")) return { user };
  const login = user.slice("github:@".length);
  const api = process.env.GITHUB_API_URL || "https://api.github.com";
  const answer = await fetch(`${api}/users/${encodeURIComponent(login)}`, { headers: { "user-agent": "durable-mcp" } });
  if (!answer.ok) throw new Wrong(`GitHub answers ${answer.status} for the user ${login}.`);
  return { user: `github:${(await answer.json()).id}` };
}

const time = (ms) => (ms === null ? "never" : new Date(ms).toISOString().slice(0, 16).replace("T", " "));

// A client chose its name: without control characters, it cannot write over the terminal.
const plain = (text) => text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");

function show({ handle, grants }) {
  const lines = [`handle in the log: ${handle}`, grants.length ? "" : "no grants"];
  for (const { grant, unreadable, client_name, client_id, scopes, created, used, expires, sessions } of grants) {
    lines.push(`grant ${grant}`);
    if (unreadable) {
      lines.push("  written by another version of this server", "");
      continue;
    }
    lines.push(
      `  client    ${client_name ?? "(without a name)"} <${client_id}>`,
      `  scopes    ${scopes.join(" ") || "(none)"}`,
      `  created   ${time(created)}, used ${time(used)}, expires ${time(expires)} (UTC)`,
    );
    for (const { session, client, transport, began } of sessions) {
      lines.push(`  session   ${session}`, `            ${client || "?"}, ${transport}, since ${time(began)}`);
    }
    lines.push("");
  }
  return lines.map(plain).join("\n").trimEnd();
}

try {
  const { json, url, token, user, request } = read();
  const answer = await fetch(url, {
    method: "POST",
    // Elsewhere the token would be somebody else's to read.
    redirect: "error",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ ...request, ...(await named(user)) }),
  });
  const text = await answer.text();
  if (answer.status === 404) throw new Wrong(`There is no operator's route at ${url}: set OPERATOR_TOKEN there.`);
  if (!answer.ok) throw new Wrong(`${url} answers ${answer.status}: ${plain(JSON.parse(text).error_description)}`);
  console.log(json ? text : show(JSON.parse(text)));
} catch (error) {
  console.error(`grants: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
