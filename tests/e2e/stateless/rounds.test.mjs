// Questions that are answered by sending the request again: what the client carries from round to round.
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { Stateless, refusesStateless as refuses, rejected } from "../../support/stateless.mjs";
import { fixture } from "../../support/workerd.mjs";

const server = await fixture();
after(() => server.stop());

const answers = {
  "elicitation/create": (_, key) => ({ action: "accept", content: ANSWERS[key] }),
  "sampling/createMessage": () => ({ role: "assistant", content: { type: "text", text: "Paris" }, model: "m" }),
  "roots/list": () => ({ roots: [{ uri: "file:///one" }] }),
};
const ANSWERS = {
  name: { name: "Ann" },
  sure: { ok: true },
  user_name: { name: "Ann" },
  step1: { name: "Ann" },
  step2: { color: "blue" },
  confirm: { ok: true },
};
const CAN = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} };
const client = new Stateless(server, { capabilities: CAN, answers });

const MULTI = "test_input_required_result_multi_round";
const params = (name, more) => ({ name, arguments: {}, ...more });

/** The first round of a tool. */
async function asked(name, at = client, args = {}) {
  const { result } = (await at.round("tools/call", params(name, { arguments: args }))).response;
  assert.equal(result.resultType, "input_required", JSON.stringify(result));
  return result;
}

/** The next round, as an answer. */
const next = (name, more, at = client) => at.post(at.message(2, "tools/call", params(name, more)));

describe("a tool that asks questions", () => {
  test("each round answers with questions and a request state until all are answered", async () => {
    const { rounds } = await client.exchange("tools/call", params(MULTI));
    assert.deepEqual(
      rounds.map(({ result }) => [result.resultType, Object.keys(result.inputRequests ?? {})]),
      [["input_required", ["step1"]], ["input_required", ["step2"]], ["complete", []]],
    );
    const [first, second, last] = rounds.map(({ result }) => result);
    assert.notEqual(first.requestState, second.requestState);
    assert.equal(last.requestState, undefined);
    assert.equal(first.ttlMs, undefined);
    assert.deepEqual(first.inputRequests.step1.method, "elicitation/create");
    assert.equal(last.content[0].text, "Ann likes blue");
  });

  test("parallel questions share a round, and unanswered ones are asked again", async () => {
    const { inputRequests, requestState } = await asked("test_input_required_result_multiple_inputs");
    assert.deepEqual(
      Object.entries(inputRequests).map(([key, { method }]) => [key, method]).toSorted(),
      [["client_roots", "roots/list"], ["greeting", "sampling/createMessage"], ["user_name", "elicitation/create"]],
    );
    const some = { greeting: answers["sampling/createMessage"](), user_name: { action: "perhaps" }, other: {} };
    const partly = await next("test_input_required_result_multiple_inputs", { requestState, inputResponses: some });
    const { result } = partly.json;
    assert.deepEqual(Object.keys(result.inputRequests).toSorted(), ["client_roots", "user_name"]);
    const rest = { user_name: { action: "accept", content: { name: "Ann" } }, client_roots: answers["roots/list"]() };
    const whole = await next("test_input_required_result_multiple_inputs", {
      requestState: result.requestState,
      inputResponses: rest,
    });
    assert.equal(whole.json.result.content[0].text, "Ann Paris file:///one");
  });

  test("a prompt may ask too, and rounds run at any isolate", async () => {
    await using two = await fixture({ secondSocket: true });
    const client = new Stateless(two, {
      capabilities: CAN,
      answers: { "elicitation/create": () => ({ action: "accept", content: { context: "the weather" } }) },
    });
    const prompt = { name: "test_input_required_result_prompt" };
    const { result } = (await client.round("prompts/get", prompt)).response;
    const more = { requestState: result.requestState, inputResponses: await client.answersTo(result.inputRequests) };
    const { messages } = await client.request("prompts/get", { ...prompt, ...more }, { at: two.second });
    assert.equal(messages[0].content.text, "Use this context: the weather");
  });

  test("a client is asked only what it declared", async () => {
    const only = new Stateless(server, { capabilities: { sampling: {} } });
    const { inputRequests } = await asked("test_input_required_result_capabilities", only);
    assert.deepEqual(Object.keys(inputRequests), ["capital_question"]);
    for (const [tool, needed] of [
      ["test_input_required_result_elicitation", { elicitation: {} }],
      ["test_input_required_result_list_roots", { roots: {} }],
    ]) {
      const { data, answer } = await rejected(only.call(tool), -32021);
      assert.equal(answer.status, 400);
      assert.deepEqual(Object.keys(data.requiredCapabilities), Object.keys(needed), tool);
    }
  });

  test("work inside `once` runs a single time over all rounds", async () => {
    const { response, rounds } = await client.exchange("tools/call", params("once"));
    assert.equal(rounds.length, 3);
    assert.equal(response.result.content[0].text, "Ann true: run 3, charged 1");
    assert.match(await client.callText("once"), /run 6, charged 2$/);
  });
});

describe("a request state", () => {
  const ANSWER = { step1: { action: "accept", content: { name: "Ann" } } };
  const flipped = (text, at) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);

  test("a changed, cut or made-up request state is refused", async () => {
    const { requestState } = await asked(MULTI);
    const last = requestState.length - 1;
    for (const state of [
      ...[0, 4, 20, last - 30, last - 5].map((at) => flipped(requestState, at)),
      ...[requestState.slice(0, -1), `${requestState}A`, "", "x", requestState.toLowerCase()],
    ])
      refuses(await next(MULTI, { requestState: state, inputResponses: ANSWER }), 400, -32602, 2);
    for (const state of [5, {}, true])
      refuses(await next(MULTI, { requestState: state, inputResponses: ANSWER }), 400, -32602, 2);
  });

  test("a request state is refused for another tool, other arguments or another method", async () => {
    const { requestState } = await asked("test_input_required_result_request_state");
    const inputResponses = { confirm: { action: "accept", content: { ok: true } } };
    const tampered = "test_input_required_result_tampered_state";
    refuses(await next(tampered, { requestState, inputResponses }), 400, -32602, 2);
    const other = { requestState, inputResponses, arguments: { more: 1 } };
    refuses(await next("test_input_required_result_request_state", other), 400, -32602, 2);
    const prompt = client.message(2, "prompts/get", { name: "test_input_required_result_prompt", requestState });
    refuses(await client.post(prompt), 400, -32602, 2);
    const same = { requestState, inputResponses };
    const answer = await next("test_input_required_result_request_state", same);
    assert.equal(answer.json.result.content[0].text, "state-ok");
  });

  test("a request state of another deployment is refused", async () => {
    await using elsewhere = await fixture();
    const { requestState } = await asked(MULTI, new Stateless(elsewhere, { capabilities: CAN }));
    refuses(await next(MULTI, { requestState, inputResponses: ANSWER }), 400, -32602, 2);
  });

  test("a request state survives a restart, and may be sent twice in case an answer was lost", async () => {
    await using restarting = await fixture();
    const client = new Stateless(restarting, { capabilities: CAN, answers });
    const { requestState } = await asked(MULTI, client);
    await restarting.restart();
    for (let time = 1; time <= 2; time++) {
      const { json } = await next(MULTI, { requestState, inputResponses: ANSWER }, client);
      assert.deepEqual(Object.keys(json.result.inputRequests), ["step2"]);
    }
  });

  test("a request state hides earlier answers and binds answers to their questions", async () => {
    const { requestState } = await asked("once");
    assert.doesNotMatch(Buffer.from(requestState, "base64url").toString("latin1"), /charge|name/);
    for (const inputResponses of [null, [], "x", { name: null }, { name: "Ann" }, { name: ["Ann"] }])
      refuses(await next("once", { requestState, inputResponses }), 400, -32602, 2);
  });
});
