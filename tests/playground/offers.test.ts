import assert from "node:assert/strict";
import { test } from "node:test";
import { capabilitiesOf, refusal } from "../../playground/src/client/offers.ts";
import { ALL_OFFERS } from "../../playground/src/protocol.ts";

const NONE = { elicitationForm: false, elicitationUrl: false, sampling: false, roots: false, tasks: false, apps: false };

test("what is switched off is not declared", () => {
  assert.deepEqual(capabilitiesOf(NONE), {});
  assert.deepEqual(capabilitiesOf({ ...NONE, elicitationUrl: true }), { elicitation: { url: {} } });
  assert.deepEqual(capabilitiesOf({ ...NONE, sampling: true }), { sampling: { tools: {} } });
  assert.deepEqual(capabilitiesOf({ ...NONE, roots: true }), { roots: { listChanged: true } });
  assert.deepEqual(capabilitiesOf({ ...NONE, apps: true }), { extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } } });
});

test("a request for what was not offered is refused, -32601 for a method and -32602 for a mode", () => {
  for (const [method, params, code] of [
    ["elicitation/create", {}, -32601],
    ["elicitation/create", { mode: "url" }, -32601],
    ["sampling/createMessage", {}, -32601],
    ["roots/list", undefined, -32601],
    ["tasks/list", {}, -32601],
  ] as const)
    assert.equal(refusal(method, params, NONE)?.code, code, method);
  assert.equal(refusal("elicitation/create", { mode: "url" }, { ...ALL_OFFERS, elicitationUrl: false })?.code, -32602);
  assert.equal(refusal("elicitation/create", {}, { ...ALL_OFFERS, elicitationForm: false })?.code, -32602);
  assert.equal(refusal("elicitation/create", { mode: "hologram" }, ALL_OFFERS)?.code, -32602);
  for (const method of ["elicitation/create", "sampling/createMessage", "roots/list"]) assert.equal(refusal(method, {}, ALL_OFFERS), undefined);
});
