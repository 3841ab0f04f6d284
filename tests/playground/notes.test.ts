import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { notesZh } from "../../playground/src/words/notes-zh.ts";

const CLIENT = new URL("../../playground/src/client/", import.meta.url);

const said = (note: string) => {
  const [known, chinese] = notesZh.find(([known]) => known.test(note)) ?? [];
  return known && chinese ? note.replace(known, chinese) : undefined;
};

test("a note names in Chinese what it names in English", () => {
  assert.equal(said("Streamable HTTP: 405. Now HTTP+SSE."), "Streamable HTTP：405。改用 HTTP+SSE。");
  assert.equal(said("The metadata is for https://a.example/mcp, which covers https://a.example/mcp/x."), "元数据针对 https://a.example/mcp，涵盖 https://a.example/mcp/x。");
  assert.equal(said("There is no metadata of https://a.example (3 addresses were tried). Its endpoints are guessed."), "https://a.example 没有元数据（已尝试 3 个地址）。其端点为推测。");
  assert.equal(said("tools/call: The stream broke off before the answer, and cannot be resumed."), "tools/call：流在应答之前中断，且无法恢复。");
});

test("every note whose text stands in the sources has one in Chinese", () => {
  const sources = readdirSync(CLIENT).map((name) => readFileSync(new URL(name, CLIENT), "utf8"));
  const literals = sources.flatMap((text) => [...text.matchAll(/\.(?:note\(|check\("\w+", )"([^"]+)"/g)].map(([, literal]) => literal as string));
  assert.ok(literals.length >= 4, literals.join("\n"));
  assert.deepEqual(literals.filter((literal) => said(literal) === undefined), []);
});
