// Requests of 2026-07-28 behind a sign-in: state, questions and tasks belong to the user.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { mine, other } from "../../behaviours/clients.mjs";
import { granted, ours } from "../../support/oauth.mjs";
import { Stateless, TASKS, refusesStateless as refuses, rejected } from "../../support/stateless.mjs";

const target = await ours();
const { server } = target;
after(() => target.stop());

const OBJECT = "McpObject";
const COUNTER = "mcp://resource/counter";
const bearer = (token) => ({ authorization: `Bearer ${token}` });
const ANSWER = { "elicitation/create": () => ({ action: "accept", content: { name: "Ann", ok: true, sure: true } }) };
let people = 0;
const somebody = () => `somebody ${(people += 1)}`;

/** A client of a user who is signed in. */
async function signedIn(user, { client = mine(target), scope = "read", at = server, ...options } = {}) {
  const { tokens } = await target.signIn({ user, client: await client, scope });
  const capabilities = { elicitation: {}, ...TASKS };
  const answers = ANSWER;
  const own = new Stateless(at, { headers: bearer(tokens.access_token), capabilities, answers, ...options });
  return Object.assign(own, { tokens, user, oauthClient: await client });
}

const counter = async (client) => (await client.request("resources/read", { uri: COUNTER })).contents[0].text;

describe("a request of a user", () => {
  test("every request without a token gets a challenge", async () => {
    const nobody = new Stateless(server);
    for (const [method, params] of [
      ["server/discover"],
      ["tools/list"],
      ["tools/call", { name: "increment", arguments: {} }],
      ["subscriptions/listen", { notifications: { toolsListChanged: true } }],
      ["tasks/get", { taskId: "x" }],
    ]) {
      const answer = await nobody.post(nobody.message(1, method, params));
      assert.deepEqual([answer.status, answer.text], [401, ""], `${method} ${answer}`);
      assert.match(answer.headers["www-authenticate"], /resource_metadata="[^"]+\/mcp"/);
      assert.equal(answer.headers["access-control-allow-origin"], "*");
    }
    assert.equal(server.objects(OBJECT), 0);
  });

  test("a tool sees its caller, and scopes are required", async () => {
    const ann = await signedIn("ann", { scope: "read write" });
    const { structuredContent } = await ann.call("whoami_user");
    assert.deepEqual([structuredContent.id, structuredContent.scopes], ["ann", ["read", "write"]]);
    assert.equal(await ann.callText("write_all"), "done");
    const answer = await ann.post(ann.message(1, "tools/call", { name: "admin_only" }));
    refuses(answer, 403, -32000, 1);
    assert.match(answer.headers["www-authenticate"], /scope="read write admin"/);
  });

  test("lists that differ between users are private", async () => {
    const [ann, bob] = [await signedIn("ann"), await signedIn("bob")];
    const [hers, his] = [await ann.request("tools/list"), await bob.request("tools/list")];
    assert.deepEqual([hers.cacheScope, his.cacheScope], ["private", "private"]);
    const names = ({ tools }) => tools.map(({ name }) => name);
    assert.ok(names(hers).includes("ann_only") && !names(his).includes("ann_only"));
    await rejected(bob.call("ann_only"), -32602);
    assert.equal((await ann.request("resources/list")).cacheScope, "public");
  });
});

describe("a user's state", () => {
  test("a user has one unnamed state in every client and with every token", async () => {
    const user = somebody();
    const one = await signedIn(user);
    const first = await one.call("increment", { by: 3 });
    assert.deepEqual(first.content, [{ type: "text", text: "3" }]);
    const again = await signedIn(user);
    const elsewhere = await signedIn(user, { client: other(target) });
    assert.equal(await again.callText("increment"), "4");
    assert.equal(await elsewhere.callText("increment"), "5");
    const next = granted(await target.refresh(one.oauthClient, one.tokens.refresh_token));
    assert.equal(await one.callText("increment", {}, { headers: bearer(next.access_token) }), "6");
    assert.equal(await counter(one), "6");
    const { tools } = await one.request("tools/list");
    assert.equal(tools.find(({ name }) => name === "increment").inputSchema.properties.session, undefined);
  });

  test("another user has another state", async () => {
    const [one, another] = [await signedIn(somebody()), await signedIn(somebody())];
    await one.call("increment", { by: 10 });
    assert.equal(await another.callText("increment"), "1");
    assert.deepEqual([await counter(one), await counter(another)], ["10", "1"]);
  });

  test("the state of a user survives a restart", async () => {
    const one = await signedIn(somebody());
    await one.call("increment", { by: 8 });
    await server.restart();
    assert.equal(await one.callText("increment"), "9");
    const objects = server.objects(OBJECT);
    assert.equal(await counter(one), "9");
    assert.equal(await one.callText("increment_if_sure", { by: 2 }), "11");
    assert.equal(server.objects(OBJECT), objects);
  });
});

describe("the request state of a user", () => {
  const MULTI = "test_input_required_result_multi_round";

  test("a request state is refused from another user or another client", async () => {
    const ann = await signedIn("ann");
    const { requestState, inputRequests } = (await ann.round("tools/call", { name: MULTI })).response.result;
    const params = { name: MULTI, requestState, inputResponses: await ann.answersTo(inputRequests) };
    for (const stranger of [await signedIn("bob"), await signedIn("ann", { client: other(target) })])
      refuses(await stranger.post(stranger.message(2, "tools/call", params)), 400, -32602, 2);
    const again = await signedIn("ann");
    const { json } = await again.post(again.message(2, "tools/call", params));
    assert.deepEqual(Object.keys(json.result.inputRequests), ["step2"]);
  });
});

describe("the task of a user", () => {
  test("a task is unknown to other users and continues", async () => {
    const ann = await signedIn("ann");
    const task = await ann.begin("confirm_delete", { filename: "a.txt" });
    await ann.taskAt(task, "input_required");
    const objects = server.objects("McpTask");
    for (const stranger of [await signedIn("bob"), await signedIn("ann", { client: other(target) })]) {
      const unknown = await rejected(stranger.task({ taskId: "made up" }), -32602);
      for (const attempt of [
        () => stranger.task(task),
        () => stranger.cancel(task),
        () => stranger.update(task, { confirm: { action: "accept", content: { confirm: true } } }),
      ])
        assert.equal((await rejected(attempt(), -32602)).message, unknown.message);
      using stream = await stranger.listen({ taskIds: [task.taskId] });
      assert.deepEqual(stream.acknowledged, {});
    }
    assert.equal(server.objects("McpTask"), objects);
    await ann.update(task, { confirm: { action: "accept", content: { confirm: true } } });
    // By a newer sign-in of the same person.
    const done = await (await signedIn("ann")).taskAt(task, "completed");
    assert.equal(done.result.content[0].text, "Deleted a.txt");
  });
});

describe("the subscription stream of a user", () => {
  const wanted = { resourceSubscriptions: [COUNTER, "test://watched-resource"] };

  test("a stream carries changes of its user and public ones, and none of other users", async () => {
    const user = somebody();
    const [own, another] = [await signedIn(user), await signedIn(somebody())];
    using listening = await own.listen(wanted);
    using stranger = await another.listen(wanted);
    await another.call("increment");
    assert.equal((await stranger.next()).json.params.uri, COUNTER);
    await (await signedIn(user, { client: other(target) })).call("increment");
    // The first that it hears is of the second change.
    const { json } = await listening.next();
    assert.deepEqual([json.method, json.params.uri], ["notifications/resources/updated", COUNTER]);
    await another.call("announce");
    for (const stream of [listening, stranger])
      assert.equal((await stream.next()).json.params.uri, "test://watched-resource");
    await listening.quiet(200);
  });

  test("a stream ends with its token by a result and the end of the response", async () => {
    await using brief = await ours({ access: 3 });
    const { tokens } = await brief.signIn({ user: "ann", client: await brief.register(), scope: "read" });
    const ann = new Stateless(brief.server, { headers: bearer(tokens.access_token) });
    using stream = await ann.listen(wanted, { id: 7 });
    const [cancelled, result] = [(await stream.next()).json, (await stream.next()).json];
    assert.deepEqual([cancelled.method, cancelled.params.requestId], ["notifications/cancelled", 7]);
    const _meta = { "io.modelcontextprotocol/subscriptionId": 7 };
    assert.deepEqual(cancelled.params._meta, _meta);
    assert.deepEqual(result, { jsonrpc: "2.0", id: 7, result: { resultType: "complete", _meta } });
    assert.equal(await stream.next(), undefined);
    const late = await ann.post(ann.message(1, "tools/list"));
    assert.equal(late.status, 401, `${late}`);
  });
});
