// The work of scripts/grants: one request to `POST /operator`, and its answer for people or, with --json, for programs.
const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
const ARGUMENTS = { list: [], end: ["grant"], "end-session": ["grant", "session"], "end-all": [] };

class Wrong extends Error {}

function read() {
  const words = process.argv.slice(2);
  // Ids of grants may begin with a hyphen, so nothing else is an option.
  const [address, action, user, ...rest] = words.filter((word) => word !== "--json");
  const names = Object.hasOwn(ARGUMENTS, action ?? "") ? ARGUMENTS[action] : undefined;
  if (!user || !names || rest.length !== names.length) {
    throw new Wrong("What is to be done cannot be read: scripts/grants --help has the commands.");
  }
  if (!URL.canParse(address)) throw new Wrong(`${address} is no URL, such as https://mcp.example.com.`);
  const url = new URL("/operator", address);
  // The token is not sent where others could read it.
  if (url.protocol !== "https:" && !LOOPBACK.includes(url.hostname)) throw new Wrong(`${address} is not https.`);
  const fields = Object.fromEntries(names.map((name, at) => [name, rest[at]]));
  return { json: words.includes("--json"), url, tokens: tokens(), user, request: { do: action, ...fields } };
}

// The secret may have several tokens, so that one can be replaced.
function tokens() {
  const all = (process.env.OPERATOR_TOKEN ?? "").split(/\s+/).filter(Boolean);
  if (!all.length) throw new Wrong("Set OPERATOR_TOKEN to the deployment's secret of that name.");
  if (!all.every((token) => /^[\x21-\x7e]+$/.test(token))) {
    throw new Wrong("OPERATOR_TOKEN has a character that no header may have: set it again, to the text of the secret.");
  }
  return all;
}

// The status of an answer and its text, which is JSON.
async function ask(url, options) {
  const answer = await fetch(url, options).catch(({ cause, message }) => {
    throw new Wrong(`${url} cannot be asked: ${cause?.message || cause?.code || message}.`);
  });
  const text = await answer.text();
  const { status, ok } = answer;
  try {
    return { status, ok, text, body: JSON.parse(text) };
  } catch {
    throw new Wrong(`${url} answers ${status}, and no JSON: is that the address of the server?`);
  }
}

// GitHub's users are stored by number, since a login can pass to somebody else.
async function named(user) {
  if (user.startsWith("handle:")) return { handle: user.slice("handle:".length) };
  if (!user.startsWith("github:@")) return { user };
  const login = user.slice("github:@".length);
  if (!/^\w[\w-]*(\[bot\])?$/.test(login)) throw new Wrong(`${user} has no login of GitHub behind the @.`);
  const url = `${process.env.GITHUB_API_URL || "https://api.github.com"}/users/${encodeURIComponent(login)}`;
  const byNumber =
    "Name the user by number, as in github:583231, which is octocat also with --stand-in github. The tool of a user sees it as User::id.";
  const { status, ok, body } = await ask(url, { headers: { "user-agent": "durable-mcp" } }).catch(({ message }) => {
    throw new Wrong(`${message} ${byNumber}`);
  });
  if (!ok || !Number.isSafeInteger(body?.id)) {
    throw new Wrong(`GitHub, at ${url}, answers ${status} for the user ${login}. ${byNumber}`);
  }
  return { user: `github:${body.id}` };
}

// With the first token that is accepted.
async function operate(url, tokens, request) {
  let answer;
  for (const token of tokens) {
    answer = await ask(url, {
      method: "POST",
      // Elsewhere the token would be somebody else's to read.
      redirect: "error",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(request),
    });
    if (answer.status !== 401) break;
  }
  const { status, ok, text, body } = answer;
  if (status === 404) throw new Wrong(`There is no operator's route at ${url}: set OPERATOR_TOKEN there.`);
  if (!ok) throw new Wrong(`${url} answers ${status}: ${plain(body?.error_description ?? text)}`);
  if (!Array.isArray(body?.grants)) throw new Wrong(`${url} answers ${status}, and no grants: is that the address of the server?`);
  return answer;
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
  const { json, url, tokens, user, request } = read();
  const { text, body } = await operate(url, tokens, { ...request, ...(await named(user)) });
  console.log(json ? text : show(body));
  if (body.found === false) {
    const meant = request.session ? `session ${request.session} of a grant ${request.grant}` : `grant ${request.grant}`;
    throw new Wrong(`${user} has no ${meant}, so nothing was ended now. It has ended before, or its id is another one.`);
  }
} catch (error) {
  console.error(`grants: ${plain(error.message)}`);
  process.exitCode = 1;
}
