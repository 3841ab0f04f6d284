// The official conformance suite: as the client of the authorization server, and of the fixture behind it.
import { after, test } from "node:test";
import { auth } from "@modelcontextprotocol/sdk/client/auth.js";
import { Account } from "../../support/account.mjs";
import { bearerProxy } from "../../support/bearer-proxy.mjs";
import { callback, visit } from "../../support/callback.mjs";
import { STABLE, conforms } from "../../support/conformance.mjs";
import { freePorts } from "../../support/port.mjs";
import { fixture } from "../../support/workerd.mjs";

const OAUTH = JSON.stringify({ scopes: ["read", "write", "admin"] });
const endpoint = await callback();
const server = await fixture({ vars: { OAUTH } });
const events = await fixture({ vars: { OAUTH, ANSWERS: "events" } });
after(() => Promise.all([server.stop(), events.stop(), endpoint.stop()]));

// The suite uses no secret where a server takes clients without one, as this one does.
test("every scenario for authorization servers passes", async () => {
  const [port] = await freePorts(1);
  const registered = await fetch(`${server.url}/register`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      redirect_uris: [`http://127.0.0.1:${port}/callback`],
      token_endpoint_auth_method: "none",
    }),
  });
  const { client_id: id } = await registered.json();
  const client = ["--client-id", id, "--resource", `${server.url}/mcp`, "--port", `${port}`];
  await conforms(["authorization", "--url", server.url, ...client], 3, { meanwhile: signIn });
});

// It prints the link before it listens for the answer.
async function signIn(suite) {
  const link = await suite.line(/^http.*\/authorize\?/);
  await suite.line(/^Callback server started/);
  await visit(link.text);
}

for (const [shape, behind, more] of [
  ["JSON", server, 0],
  ["events", events, 1],
]) {
  // What else there is is within these two: see conformance.test.mjs.
  test(`every scenario passes with a token and answers in ${shape}`, () =>
    conformsWithToken(behind, ["--suite", "all"], 233 + more));

  test(`the requirements of 2026-07-28 are met with a token and answers in ${shape}`, () =>
    conformsWithToken(behind, ["--requirements", "2026-07-28"], 196 + more));

  test(`every scenario of the stable suite passes with a token and answers in ${shape}`, () =>
    conformsWithToken(behind, ["--suite", "all"], 46 + more, { suite: STABLE }));
}

test("every scenario of 2025-06-18 passes with a token", () =>
  conformsWithToken(server, ["--suite", "all", "--spec-version", "2025-06-18"], 56));

// The suite's clients cannot sign in, so they are let through a proxy that has.
async function conformsWithToken(behind, args, passed, options) {
  await using proxy = await bearerProxy(behind);
  const url = `${proxy.url}/mcp`;
  const account = new Account(endpoint);
  await auth(account, { serverUrl: url });
  await auth(account, { serverUrl: url, authorizationCode: account.answer.get("code") });
  proxy.token = account.tokens().access_token;
  await conforms(["server", "--url", url, ...args], passed, options);
}
