// Questions of servers on the page: what servers send to ask them, and the dialog that shows them.
import { visit } from "./playground.mjs";

export const MODERN = { version: "2026-07-28" };
export const LEGACY = { version: "2025-11-25" };

/**
 * A function that connects a visitor to a scripted server, or without one to that of the page, which another one replaces as `at`. It
 * takes the result of `inBrowser`.
 */
export const connecting = ({ server, browser }) =>
  async function connected(other, version, at = server) {
    const visitor = await visit(browser, at, other ? { allowed: [other.origin] } : {});
    await visitor.connect(other?.url, version);
    return visitor;
  };

/** Parameters of a question by form. */
export const form = (message, properties = { name: { type: "string" } }) => ({ message, requestedSchema: { type: "object", properties } });
/** A question by form, as a round has it. */
export const elicit = (...given) => ({ method: "elicitation/create", params: form(...given) });
/** A result that asks, in 2026-07-28. */
export const round = (inputRequests, requestState) => ({ resultType: "input_required", inputRequests, ...(requestState === undefined ? {} : { requestState }) });

/** Requests that a scripted server got, by method. */
export const sent = (other, method) => other.requests.filter(({ method }) => method === "POST").map(({ text }) => JSON.parse(text)).filter((message) => message.method === method);

/** The dialog with the question that is first. */
export const dialogOf = ({ page }) => page.getByRole("dialog");

/** Starts the call of a tool. */
export async function start(visitor, name, args) {
  await visitor.tool(name);
  if (args) await visitor.json(args);
  await visitor.call();
}
