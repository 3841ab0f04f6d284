// The prompts, and the messages that they gave.
import { useState } from "preact/hooks";
import { type Json, isObject } from "../exact.ts";
import type { Prompt } from "../protocol.ts";
import { useShared } from "./context.ts";
import { Listing } from "./listing.tsx";
import { Content } from "./result.tsx";
import { Uses } from "./uses.tsx";

export function Prompts() {
  const { state } = useShared();
  const prompt = state.prompts.find(({ name }) => name === state.chosen.prompts);
  const entries = state.prompts.map(({ name, title, description }) => ({ id: name, title: title ?? name, description }));
  return (
    <Listing tab="prompts" entries={entries}>
      {prompt && <PromptView key={prompt.name} prompt={prompt} />}
    </Listing>
  );
}

function PromptView({ prompt }: { prompt: Prompt }) {
  const { state, visitor, say } = useShared();
  const [values, setValues] = useState<Record<string, string>>({});
  const fields = Array.isArray(prompt.arguments) ? prompt.arguments : [];
  function get(event: SubmitEvent) {
    event.preventDefault();
    const given = Object.entries(values).filter(([, value]) => value !== "");
    void visitor.getPrompt(prompt.name, Object.fromEntries(given));
  }
  return (
    <article>
      <h3 dir="auto">{prompt.title ?? prompt.name}</h3>
      <p>
        <code dir="auto">{prompt.name}</code>
      </p>
      {prompt.description && (
        <p class="text" dir="auto">
          {prompt.description}
        </p>
      )}
      <form onSubmit={get}>
        {fields.map(({ name, description, required }) => (
          <p key={name}>
            <label for={`prompt-${name}`} dir="auto">
              {name} {!required && <span class="note">{say("form.optional")}</span>}
            </label>
            <input id={`prompt-${name}`} class="field" required={required === true} value={values[name] ?? ""} aria-describedby={description ? `prompt-${name}-about` : undefined} onInput={(event) => setValues({ ...values, [name]: event.currentTarget.value })} />
            {description && (
              <span id={`prompt-${name}-about`} class="note" dir="auto">
                {description}
              </span>
            )}
          </p>
        ))}
        <p class="choice">
          <button type="submit" class="button" disabled={state.phase !== "connected"}>
            {say("prompt.get")}
          </button>
        </p>
      </form>
      <Uses name={prompt.name} uses={state.uses[`prompts ${prompt.name}`] ?? []} show={(result) => <Messages result={result} />} />
    </article>
  );
}

function Messages({ result }: { result: unknown }) {
  const messages = isObject(result as Json) ? (result as { messages?: unknown }).messages : undefined;
  if (!Array.isArray(messages)) return <pre tabIndex={0}>{JSON.stringify(result, undefined, 2)}</pre>;
  return (
    <div class="result">
      {messages.map((message: { role?: unknown; content?: unknown }, at) => (
        <section key={at}>
          <h5>{String(message?.role)}</h5>
          <Content block={message?.content} />
        </section>
      ))}
    </div>
  );
}
