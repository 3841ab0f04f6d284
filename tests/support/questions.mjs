// Questions of servers on the page: what servers send to ask them, and the dialog that shows them.

export const MODERN = { version: "2026-07-28" };
export const LEGACY = { version: "2025-11-25" };

/** A function that connects a visitor to a scripted server, or without one to the page's own; `here` is the result of `inBrowser`. */
export const connecting = (here) => (other, version) => here.connected(other ? { url: other.url, allowed: [other.origin] } : {}, version);

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
export async function start(visitor, name) {
  await visitor.tool(name);
  await visitor.call();
}
