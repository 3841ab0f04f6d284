// The Worker behind the playground's chat: what it passes on, whom it lets ask, how much, and whose model answers.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { tools, withChat } from "../../support/chat.mjs";
import { WORKERS_AI, calls, endless, fails, says } from "../../support/model.mjs";
import { tokenOf } from "../../support/page-token.mjs";
import { visit } from "../../support/playground.mjs";
import { DEMO } from "../../support/sign-in.mjs";
import { WAIT_MS, until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const { model, vars: LOCAL, server, browser, chatting } = await withChat();

describe("the Worker", () => {
  const ask = (body, headers = {}, at = server) =>
    fetch(`${at.url}/playground/chat`, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: typeof body === "string" ? body : JSON.stringify(body) });
  const HELLO = { model: "tiny", messages: [{ role: "user", content: "hello" }] };

  test("has no chat where it is off, and without sign-in none but on loopback with a model there", async () => {
    await using off = await fixture({ playground: true });
    await using far = await fixture({ playground: true, vars: { ...LOCAL, PLAYGROUND_CHAT_URL: "https://models.example/v1" } });
    await using elsewhere = await fixture({ playground: true, vars: { ...LOCAL, ALLOWED_HOSTS: "*.example" }, outbound: model.outbound });
    for (const at of [off, far]) {
      assert.equal((await ask(HELLO, {}, at)).status, 404);
      assert.equal((await (await fetch(`${at.url}/playground/config.json`)).json()).chat, undefined);
      await using visitor = await visit(browser, at);
      await visitor.button("Connect").waitFor();
      assert.equal(await visitor.button("Chat").count(), 0);
    }
    await far.log(({ text }) => /PLAYGROUND_CHAT/.test(text));
    assert.equal((await ask(HELLO, {}, elsewhere)).status, 200);
    assert.deepEqual((await (await fetch(`${server.url}/playground/config.json`)).json()).chat, { models: ["tiny", "other"], signIn: false });
  });

  test("passes on known fields alone, with a limit of its own, and gives out none of the model's headers", async () => {
    model.answers.splice(0, Infinity, says("Hello."));
    model.requests.length = 0;
    const answer = await ask({ ...HELLO, max_tokens: 1e9, stream: false, n: 50, user: "x", tools: [{ type: "function", function: { name: "f", strict: true } }] }, { cookie: "a=b", "x-own": "1" });
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /Hello\.[^]*\[DONE\]/);
    assert.deepEqual([answer.headers.get("set-cookie"), answer.headers.get("x-upstream")], [null, null]);
    const [{ headers, path, ...sent }] = model.requests;
    assert.equal(path, "/v1/chat/completions");
    assert.equal(headers.authorization, "Bearer the-key-of-the-model");
    assert.deepEqual([headers.cookie, headers["x-own"]], [undefined, undefined]);
    const { messages, ...rest } = sent;
    assert.deepEqual(messages, HELLO.messages);
    assert.deepEqual(rest, { model: "tiny", max_tokens: 4096, stream: true, stream_options: { include_usage: true }, tools: [{ type: "function", function: { name: "f" } }] });
  });

  test("refuses other models, methods, types, origins and bodies, and asks no model then", async () => {
    model.requests.length = 0;
    const long = "x".repeat(256 * 1024);
    const refused = [
      [400, { ...HELLO, model: "dear" }],
      [400, "{"],
      [400, { ...HELLO, messages: [] }],
      [400, { ...HELLO, messages: [{ role: "root", content: "x" }] }],
      [400, { ...HELLO, messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "https://inside.example/" } }] }] }],
      [413, { ...HELLO, messages: [{ role: "user", content: long }] }],
      [415, HELLO, { "content-type": "text/plain" }],
      [403, HELLO, { origin: "http://localhost:1" }],
    ];
    for (const [status, body, headers] of refused) assert.equal((await ask(body, headers)).status, status, JSON.stringify(body).slice(0, 100));
    assert.equal((await fetch(`${server.url}/playground/chat`)).status, 405);
    assert.equal(model.requests.length, 0);
  });

  test("logs nothing of what is said", async () => {
    model.answers.splice(0, Infinity, says("a-word-of-the-model"), fails(500, { message: "a-word-of-the-error" }));
    await (await ask({ ...HELLO, messages: [{ role: "user", content: "a-word-of-the-person" }] })).text();
    await (await ask({ ...HELLO, messages: [{ role: "user", content: "a-word-of-the-person" }] })).text();
    await server.log(({ text }) => /the model of the playground answers 500/.test(text));
    assert.ok(!server.logs.some(({ text }) => /a-word-of|the-key-of/.test(text)));
  });
});

describe("a deployment with sign-in", () => {
  const vars = { ...DEMO, ...LOCAL, PLAYGROUND_CHAT_DAILY: "6/50000", PLAYGROUND_CHAT_TOTAL: "1000/1000000" };

  const ask = (at, bearer, content = "hello") =>
    fetch(`${at.url}/playground/chat`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` },
      body: JSON.stringify({ model: "tiny", messages: [{ role: "user", content }] }),
    });

  async function signedIn(visitor, name) {
    await visitor.page.getByRole("heading", { name: "Sign-in needed" }).waitFor();
    const [popup] = await Promise.all([visitor.context.waitForEvent("page"), visitor.page.getByRole("region", { name: "Sign-in needed" }).getByRole("button", { name: "Sign in" }).click()]);
    assert.match(await popup.locator("main").innerText(), /Chat with this server/);
    await popup.getByLabel("Your name").fill(name);
    const closed = popup.waitForEvent("close");
    await popup.getByRole("button", { name: "Approve" }).click();
    await closed;
    await visitor.button("Sign out of the chat").waitFor();
  }

  test("has people sign in to the chat, counts what they use, and ends it when they disconnect", async () => {
    await using own = await tools();
    await using at = await fixture({ playground: true, vars, outbound: model.outbound });
    await using visitor = await chatting(own, [calls(["add", { a: 1, b: 2 }]), says("It is three.")], at);
    assert.ok(await visitor.button("Send").isDisabled());
    await signedIn(visitor, "Ann of the chat");
    await visitor.say("Add");
    await visitor.card("add").getByRole("button", { name: "Allow once" }).click();
    await visitor.log.getByText("It is three.").waitFor();
    const tokens = await visitor.page.evaluate(() => Object.values({ ...sessionStorage }).flatMap((text) => /"access_token":"([^"]+)"/.exec(text)?.[1] ?? []));
    assert.equal(tokens.length, 1);
    assert.ok(!(await visitor.page.content()).includes(tokens[0]));
    await until(async () => !(await ask(at, tokens[0], "the correction has come").then(async (answer) => (await answer.text(), answer.status === 429))), "the end of the last answer");
    const account = await visitor.context.newPage();
    await account.goto(`${at.url}/account`);
    await account.getByLabel("Your name").fill("Ann of the chat");
    await account.getByRole("button", { name: /Sign in/ }).click();
    await account.getByText(/Used today: [3-6] requests, \d\d tokens/).waitFor();
    const closed = model.closed;
    model.answers.splice(0, Infinity, endless("On and on"));
    await visitor.say("Go on");
    await visitor.log.getByText("On and on").waitFor();
    await account.getByRole("button", { name: "Disconnect", exact: true }).click();
    await until(() => model.closed > closed, "the end of the request", { ms: 30_000 });
    await account.getByText("The application is disconnected.").waitFor();
    // It ended an answer that was coming, too.
    await visitor.log.getByText(/broke off/).waitFor();
    model.requests.length = 0;
    await visitor.say("Still there?");
    await visitor.log.getByText("Sign in to this deployment to use its model.").waitFor();
    assert.equal(model.requests.length, 0);
    visitor.done();
  });

  test("takes no token of another resource or scope, and makes none that may chat unasked", async () => {
    await using at = await fixture({ playground: true, vars, outbound: model.outbound });
    model.requests.length = 0;
    const answer = await fetch(`${at.url}/playground/chat`, { method: "POST" });
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get("www-authenticate"), /scope="chat"[^]*oauth-protected-resource\/playground"/);
    assert.equal((await ask(at, await tokenOf(at, "Eve", "read"))).status, 403);
    assert.equal((await ask(at, "made:up:token")).status, 401);
    assert.equal(model.requests.length, 0);
  });

  test("lets one request of a person run at a time, and no more in a day than it says, whichever isolate is asked", async () => {
    await using at = await fixture({ playground: true, vars: { ...vars, PLAYGROUND_CHAT_TOTAL: "9/1000000" }, outbound: model.outbound, secondSocket: true });
    // The other isolate has another port: it is reached under the name of the first.
    const askOf = async (number, bearer) => {
      const headers = { host: new URL(at.url).host, "content-type": "application/json", authorization: `Bearer ${bearer}` };
      const sent = request(`${[at, at.second][number % 2].url}/playground/chat`, { method: "POST", headers, agent: false });
      sent.end(JSON.stringify({ model: "tiny", messages: [{ role: "user", content: "hello" }] }));
      const [answer] = await once(sent, "response", { signal: AbortSignal.timeout(WAIT_MS) });
      const body = await text(answer);
      return { status: answer.statusCode, headers: answer.headers, code: answer.statusCode === 200 ? undefined : JSON.parse(body).error.code };
    };
    const bearer = await tokenOf(at, "Ann", "chat");
    let running = 0;
    let most = 0;
    let made = 0;
    const slow = async (response) => {
      made++;
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running--;
      says("Hello.")(response);
    };
    model.answers.splice(0, Infinity, ...Array.from({ length: 500 }, () => slow));
    const codes = new Set();
    for (let round = 0; round < 50; round++) {
      const answers = await Promise.all(Array.from({ length: 4 }, (_, number) => askOf(number, bearer)));
      for (const answer of answers) if (answer.status !== 200) codes.add(answer.code);
    }
    assert.equal(most, 1);
    assert.equal(made, 6);
    assert.deepEqual([...codes].sort(), ["busy", "limit"]);
    const others = await Promise.all(["Bea", "Cid", "Dan", "Eve"].map((name) => tokenOf(at, name, "chat")));
    const rest = await Promise.all(others.map((bearer, number) => askOf(number, bearer)));
    const statuses = rest.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, 200, 200, 429]);
    const refused = rest.find(({ status }) => status === 429);
    assert.equal(refused.code, "total");
    assert.ok(Number(refused.headers["retry-after"]) > 0);
    model.answers.length = 0;
  });

  test("tells a person whose share is used up when it is renewed", async () => {
    await using own = await tools();
    await using at = await fixture({ playground: true, vars: { ...vars, PLAYGROUND_CHAT_DAILY: "1/50000" }, outbound: model.outbound });
    await using visitor = await chatting(own, [says("The only one.")], at);
    await signedIn(visitor, "Fay");
    await visitor.say("One");
    await visitor.log.getByText("The only one.").waitFor();
    await until(async () => {
      await visitor.say("Two");
      await visitor.button("Send").waitFor();
      return /used up your share of this day. It is renewed .*\d/.test(await visitor.log.getByRole("alert").last().innerText());
    }, "the limit");
  });

  test("frees a person whose request was stopped before its first word", async () => {
    await using at = await fixture({ playground: true, vars, outbound: model.outbound });
    const bearer = await tokenOf(at, "Gus", "chat");
    const stop = new AbortController();
    const asked = new Promise((resolve) => model.answers.splice(0, Infinity, (response) => (resolve(), endless("late")(response)), says("Now.")));
    const first = fetch(`${at.url}/playground/chat`, { method: "POST", signal: stop.signal, headers: { "content-type": "application/json", authorization: `Bearer ${bearer}` }, body: JSON.stringify({ model: "tiny", messages: [{ role: "user", content: "x" }] }) }).catch(() => {});
    await asked;
    stop.abort();
    await first;
    await until(async () => {
      const answer = await ask(at, bearer);
      await answer.text();
      return answer.status === 200;
    }, "the next answer");
  });
});

describe("Workers AI", () => {
  test("answers and calls tools in both of its forms, and says when it has no room", async () => {
    await using own = await tools();
    const vars = { ...DEMO, PLAYGROUND_CHAT: "workers-ai", PLAYGROUND_MODELS: "@cf/meta/llama-3.3-70b-instruct-fp8-fast" };
    await using at = await fixture({ playground: true, vars, ai: WORKERS_AI });
    await using visitor = await chatting(own, [], at);
    await visitor.page.getByRole("heading", { name: "Sign-in needed" }).waitFor();
    const [popup] = await Promise.all([visitor.context.waitForEvent("page"), visitor.page.getByRole("region", { name: "Sign-in needed" }).getByRole("button", { name: "Sign in" }).click()]);
    await popup.getByLabel("Your name").fill("Hal");
    await popup.getByRole("button", { name: "Approve" }).click();
    await visitor.button("Sign out of the chat").waitFor();
    for (const form of ["older", "newer"]) {
      await visitor.say(`Add in the ${form} form`);
      await visitor.card("add").last().getByRole("button", { name: "Allow once" }).click();
      await until(async () => (await visitor.log.getByText("It is done.").count()) === (form === "older" ? 1 : 2), "the answer");
      await visitor.button("Send").waitFor();
    }
    assert.deepEqual(own.ran, [["add", { a: 1, b: 2 }], ["add", { a: 1, b: 2 }]]);
    await until(async () => {
      await visitor.say("There are too many");
      await visitor.button("Send").waitFor();
      return /no more requests/.test(await visitor.log.getByRole("alert").last().innerText());
    }, "the sentence");
    const { json } = await at.log(({ json }) => json?.inputs);
    assert.equal(json.model, "@cf/meta/llama-3.3-70b-instruct-fp8-fast");
    assert.deepEqual([json.inputs.stream, json.inputs.max_tokens, json.inputs.model], [true, 4096, undefined]);
  });

  test("is off where its binding is missing, which the log says", async () => {
    await using at = await fixture({ playground: true, vars: { ...DEMO, PLAYGROUND_CHAT: "workers-ai", PLAYGROUND_MODELS: "m" } });
    assert.equal((await fetch(`${at.url}/playground/chat`, { method: "POST" })).status, 404);
    await at.log(({ text }) => /binding AI is missing/.test(text));
  });
});
