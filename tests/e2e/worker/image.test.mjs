// The demo's picture tool, through the runtime's own wrapper of Workers AI: only the models behind it are made up.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { open } from "../../support/mcp.mjs";
import { demo } from "../../support/workerd.mjs";

const MODELS = `export default {
  async fetch(request) {
    const { inputs } = await request.json();
    console.log(JSON.stringify({ method: request.method, headers: [...request.headers], inputs }));
    if (inputs.prompt === "forbidden") {
      return Response.json({ name: "InvalidPrompt", internalCode: 3030, description: "not that" }, { status: 400 });
    }
    return Response.json({ image: btoa(inputs.prompt) });
  },
};`;

const server = await demo({ ai: MODELS });
after(() => server.stop());

const names = async (session) => (await session.request("tools/list")).tools.map(({ name }) => name);

test("a server with the binding lists the tool and draws the prompt", async () => {
  const session = await open(server);
  assert.ok((await names(session)).includes("generate_image"));
  const { content, isError } = await session.call("generate_image", { prompt: "a red fox" });
  assert.equal(isError, undefined);
  assert.deepEqual(content, [{ type: "image", data: btoa("a red fox"), mimeType: "image/jpeg" }]);
  const { json } = await server.log(({ json }) => json?.inputs);
  assert.deepEqual(json.inputs, { prompt: "a red fox" });
  assert.ok(JSON.stringify(json.headers).includes("@cf/black-forest-labs/flux-1-schnell"), JSON.stringify(json));
});

test("a refusal of the image model is a tool error", async () => {
  const session = await open(server);
  const { content, isError } = await session.call("generate_image", { prompt: "forbidden" });
  assert.equal(isError, true);
  assert.match(content[0].text, /not that/);
});

test("a server without the binding lacks only this tool", async () => {
  await using bare = await demo();
  const session = await open(bare);
  assert.ok(!(await names(session)).includes("generate_image"));
  assert.equal(await session.callText("add", { a: 40, b: 2 }), "42");
  await assert.rejects(session.call("generate_image", { prompt: "a red fox" }), /generate_image/);
});
