// Sampling, answered by the chat's model: a server's request as the model takes it, and the answer as the server does.
import { type Json, isObject } from "../exact.ts";
import { AnswerReader } from "./answer.ts";
import type { AskModel } from "./conversation.ts";
import { imageOf, withImages } from "./images.ts";
import type { Message, Part } from "./model-messages.ts";

/** The model that answers. */
interface Answering {
  model: string;
  takesImages: boolean;
}

interface Members {
  [name: string]: Json;
}

/** The result of `sampling/createMessage`. Nothing but what the server wrote goes to the model. */
export async function answerSampling(params: unknown, { model, takesImages }: Answering, ask: AskModel, signal: AbortSignal): Promise<Json> {
  const reader = new AnswerReader();
  await ask(bodyOf(isObject(params as Json) ? (params as Members) : {}, { model, takesImages }), (piece) => reader.push(piece), signal);
  const end = reader.end();
  if (end !== "complete" && end !== "cut") throw new Error(reader.fault ?? end);
  const { text, calls } = reader;
  const said: Json = { type: "text", text };
  const used = calls.map(({ id, name, arguments: given }): Json => ({ type: "tool_use", id, name, input: inputOf(given) }));
  const content: Json = used.length === 0 ? said : [...(text === "" ? [] : [said]), ...used];
  return { role: "assistant", content, model, stopReason: used.length > 0 ? "toolUse" : end === "cut" ? "maxTokens" : "endTurn" };
}

function bodyOf({ systemPrompt, messages, tools, toolChoice, temperature, maxTokens }: Members, { model, takesImages }: Answering): Json {
  const mode = isObject(toolChoice) ? toolChoice["mode"] : undefined;
  const usable = mode === "none" ? [] : listOf(tools).filter(isObject);
  const system: Message[] = typeof systemPrompt === "string" ? [{ role: "system", content: systemPrompt }] : [];
  return {
    model,
    messages: withImages([...system, ...listOf(messages).filter(isObject).flatMap((message) => messagesOf(message, takesImages))], takesImages) as unknown as Json,
    ...(usable.length > 0 ? { tools: usable.map(toolOf), tool_choice: mode === "required" ? "required" : "auto" } : {}),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { max_tokens: maxTokens }),
  };
}

const listOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);

function toolOf({ name, description, inputSchema }: Members): Json {
  return { type: "function", function: { name: name ?? "", description: description ?? "", parameters: inputSchema ?? { type: "object", properties: {} } } };
}

// Results of tools are messages of their own; calls of tools are a part of the assistant's.
function messagesOf({ role, content }: Members, takesImages: boolean): Message[] {
  const blocks = listOf(content).filter(isObject);
  const results = blocks.filter(({ type }) => type === "tool_result");
  const used = blocks.filter(({ type }) => type === "tool_use");
  const said = blocks.filter(({ type }) => type !== "tool_result" && type !== "tool_use");
  const text = takesImages && role !== "assistant" && said.some(imageOf) ? partsOf(said) : textOf(said);
  const told: Message[] = results.map(({ toolUseId, content }) => ({ role: "tool", tool_call_id: String(toolUseId), content: textOf(listOf(content).filter(isObject)) }));
  if (text === "" && used.length === 0) return told;
  const asked = used.map(({ id, name, input }) => ({ id: String(id), type: "function" as const, function: { name: String(name), arguments: JSON.stringify(input ?? {}) } }));
  return [...told, { role: role === "assistant" ? "assistant" : "user", content: text, ...(asked.length > 0 ? { tool_calls: asked } : {}) }];
}

// An image that the model may get is one part of a message; what else there is, is text.
const partsOf = (blocks: Members[]): Part[] =>
  blocks.map((block) => {
    const url = imageOf(block);
    return url === undefined ? { type: "text", text: textOf([block]) } : { type: "image_url", image_url: { url } };
  });

// Images and sounds are named, and not sent to the model.
const textOf = (blocks: Members[]): string => blocks.map(({ type, text }) => (typeof text === "string" ? text : `[${String(type)}]`)).join("\n");

function inputOf(given: string): Json {
  try {
    return JSON.parse(given) as Json;
  } catch {
    return given;
  }
}
