// Everything that a grant holds ends with it, in the real runtime: streams that listen, tasks, questions under way, consents.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Jar, hidden } from "../../support/jar.mjs";
import { DEMO, client } from "../../support/sign-in.mjs";
import { Stateless, TASKS, rejected, refusesStateless as refuses } from "../../support/stateless.mjs";
import { until } from "../../support/wait.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture({ vars: DEMO });
after(() => server.stop());

const COUNTER = "mcp://resource/counter";
const ROUNDS = "test_input_required_result_multi_round";
const ANSWER = { "elicitation/create": () => ({ action: "accept", content: { name: "Ann" } }) };

// Approves as `name` where a page asks, and comes back: the answer that leads to the client.
async function approve(jar, of, name, fields = {}) {
  let page = await jar.get(of.link({ login_hint: name }));
  if (page.status === 302) page = await jar.get(page.location);
  if (page.status === 302) return page;
  assert.match(page.text, /value="approve"/);
  const left = await jar.post("/authorize", { ...hidden(page.text), decision: "approve", name, ...fields });
  assert.equal(left.status, 303, left.text);
  return jar.get(left.location);
}

async function connect(jar, of, name) {
  const { location } = await approve(jar, of, name);
  const tokens = await of.redeem(location.searchParams.get("code"));
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const own = new Stateless(server, { headers, capabilities: { elicitation: {}, ...TASKS }, answers: ANSWER });
  return Object.assign(own, { tokens });
}

async function account(jar, name) {
  if (!jar.cookies.has("account")) await jar.get((await jar.post("/account", { do: "sign-in", name })).location);
  return jar.get("/account");
}

async function disconnect(jar, name) {
  const page = await account(jar, name);
  const ended = await jar.post("/account", { ...hidden(page.text), do: "end" });
  assert.equal(ended.status, 303, ended.text);
}

async function revoke(of, { refresh_token: token }) {
  const body = new URLSearchParams({ client_id: of.id, token });
  assert.equal((await fetch(`${server.url}/revoke`, { method: "POST", body })).status, 200);
}

describe("a stateless client", () => {
  for (const [way, end] of [
    ["is disconnected by its user", (jar, of, own, name) => disconnect(jar, name)],
    ["revokes its refresh token", (jar, of, own) => revoke(of, own.tokens)],
  ]) {
    test(`a client that ${way} gets no more notifications, tasks or questions`, async () => {
      const [jar, of, name] = [new Jar(server), await client(server), `Ann who ${way}`];
      const own = await connect(jar, of, name);
      const running = await own.begin("slow_compute", { seconds: 60 });
      const asking = await own.begin("confirm_delete", { filename: "a.txt" });
      await own.taskAt(asking, "input_required");
      assert.equal(await own.callText("increment"), "1");
      const { requestState, inputRequests } = (await own.round("tools/call", { name: ROUNDS })).response.result;
      const wanted = { resourceSubscriptions: [COUNTER], taskIds: [running.taskId, asking.taskId] };
      using stream = await own.listen(wanted, { id: 7 });
      assert.equal(stream.acknowledged.taskIds.length, 2);

      await end(jar, of, own, name);
      const [cancelled, result] = [(await stream.next()).json, (await stream.next()).json];
      assert.deepEqual([cancelled.method, cancelled.params.requestId], ["notifications/cancelled", 7]);
      assert.deepEqual([result.id, result.result.resultType], [7, "complete"]);
      assert.equal(await stream.next(), undefined);
      assert.equal((await own.post(own.message(1, "tools/list"))).status, 401);

      const again = await connect(jar, of, name);
      for (const task of [running, asking]) {
        await rejected(again.task(task), -32602);
        await rejected(again.cancel(task), -32602);
      }
      const params = { name: ROUNDS, requestState, inputResponses: await own.answersTo(inputRequests) };
      refuses(await again.post(again.message(2, "tools/call", params)), 400, -32602, 2);
      // State of the user is not the client's: it stays, and so do questions from now.
      assert.equal(await again.callText("increment"), "2");
      assert.equal((await again.exchange("tools/call", { name: ROUNDS })).response.result.resultType, "complete");
    });
  }

  test("a client continues when its user disconnects another one", async () => {
    const [jar, name] = [new Jar(server), "Berta"];
    const [one, other] = [await client(server), await client(server, { client_name: "Other" })];
    const stays = await connect(jar, one, name);
    const task = await stays.begin("confirm_delete", { filename: "a.txt" });
    using stream = await stays.listen({ resourceSubscriptions: [COUNTER], taskIds: [task.taskId] });
    await connect(jar, other, name);
    const page = await account(jar, name);
    const forms = page.text.split("<form").filter((form) => /value="end"/.test(form));
    assert.equal(forms.length, 2);
    // The newest connection stands first.
    const ended = await jar.post("/account", { ...hidden(page.text), ...hidden(forms[0]), do: "end" });
    assert.equal(ended.status, 303, ended.text);
    assert.equal(await stays.callText("increment"), "1");
    assert.equal((await stream.next()).json.params.uri, COUNTER);
    assert.equal((await stays.task(task)).taskId, task.taskId);
  });
});

describe("a remembered consent", () => {
  test("a remembered consent is void after a disconnect, in every browser", async () => {
    const [of, name] = [await client(server), "Carla"];
    const jars = [new Jar(server), new Jar(server)];
    for (const jar of jars) await approve(jar, of, name, { remember: "yes" });
    for (const jar of jars) {
      const { location } = await jar.get((await jar.get(of.link({ login_hint: name }))).location);
      assert.match(`${location}`, /code=/, "nobody is asked twice");
    }
    await connect(jars[0], of, name);
    await disconnect(jars[0], name);
    for (const jar of jars) {
      const left = await jar.get(of.link({ login_hint: name }));
      const page = left.status === 302 ? await jar.get(left.location) : left;
      assert.equal(page.status, 200);
      assert.match(page.text, /value="approve"/);
    }
    await until(async () => /code=/.test(`${(await approve(jars[1], of, name, { remember: "yes" })).location}`), "a code");
  });
});
