// The prompts, and the messages that they gave.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Json, isObject } from "../exact.ts";
import type { Prompt } from "../protocol.ts";
import { visibleName } from "../visible.ts";
import { Combobox } from "./combobox.tsx";
import { useActions, useAppContext } from "./context.ts";
import { EntryHeader } from "./entry-header.tsx";
import { JsonBlock } from "./json-block.tsx";
import { Listing } from "./listing.tsx";
import { ownOf } from "./lists.ts";
import { withGone } from "./marks.ts";
import { memo } from "./memo.tsx";
import { Content } from "./result.tsx";
import { CallResults } from "./call-results.tsx";

export function Prompts() {
  const { state } = useAppContext();
  const { all, entries } = useMemo(() => {
    const { all, markOf } = withGone(state, "prompts");
    return { all, entries: all.map((prompt) => ({ id: prompt.name, title: titleOf(prompt), description: prompt.description, icons: prompt.icons, state: markOf(prompt) })) };
  }, [state.prompts, state.lists.prompts]);
  const prompt = all.find(({ name }) => name === state.chosen.prompts);
  return (
    <Listing tab="prompts" entries={entries}>
      {prompt && <PromptView key={prompt.name} prompt={prompt} />}
    </Listing>
  );
}

const titleOf = ({ title, name }: Prompt): string => visibleName(title ?? name);

function PromptView({ prompt }: { prompt: Prompt }) {
  const { state, client, say } = useAppContext();
  const [values, setValues] = useState<Record<string, string>>({});
  const [missing, setMissing] = useState<string[]>([]);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (missing.length > 0) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [missing]);
  const fields = prompt.arguments ?? [];
  function get(isAnyway: boolean) {
    const given = Object.entries(values).filter(([, value]) => value !== "");
    const lacking = fields.filter(({ name, required }) => required === true && (ownOf(values, name) ?? "") === "").map(({ name }) => name);
    setMissing(isAnyway ? [] : lacking);
    if (isAnyway || lacking.length === 0) void client.getPrompt(prompt.name, Object.fromEntries(given));
  }
  return (
    <article>
      <EntryHeader title={titleOf(prompt)} id={prompt.name} description={prompt.description} />
      <form
        ref={form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          get(false);
        }}
      >
        {fields.map((field) => (
          <ArgumentField key={field.name} prompt={prompt.name} field={field} values={values} isMissing={missing.includes(field.name)} onChange={(value) => setValues({ ...values, [field.name]: value })} />
        ))}
        {missing.length > 0 && (
          <p class="fault" role="alert">
            {say("prompt.missing")}{" "}
            <button type="button" class="link" onClick={() => get(true)}>
              {say("tool.anyway")}
            </button>
          </p>
        )}
        <p class="choice">
          <button type="submit" class="button" disabled={state.phase !== "connected"}>
            {say("prompt.get")}
          </button>
        </p>
      </form>
      <CallResults name={prompt.name} calls={state.calls[`prompts ${prompt.name}`] ?? []} show={(result) => <Messages result={result} />} />
    </article>
  );
}

interface ArgumentGiven {
  prompt: string;
  field: { name: string; title?: string; description?: string; required?: boolean };
  values: Record<string, string>;
  isMissing: boolean;
  onChange: (value: string) => void;
}

function ArgumentField({ prompt, field: { name, title, description, required }, values, isMissing, onChange }: ArgumentGiven) {
  const { say } = useActions();
  const id = `prompt-${name}`;
  const described = [description && `${id}-about`, isMissing && `${id}-fault`].filter(Boolean).join(" ");
  return (
    <div class="labelled">
      <label for={id} dir="auto">
        {visibleName(title ?? name)} <span class="note">{[title && title !== name ? name : "", required ? "" : say("form.optional")].filter(Boolean).join(" · ")}</span>
      </label>
      <Combobox id={id} name={name} of={{ type: "ref/prompt", name: prompt }} value={ownOf(values, name) ?? ""} context={values} isRequired={required === true} isInvalid={isMissing} describedBy={described || undefined} onChange={onChange} />
      {description && (
        <p id={`${id}-about`} class="note" dir="auto">
          {description}
        </p>
      )}
      {isMissing && (
        <p id={`${id}-fault`} class="fault">
          {say("check.required")}
        </p>
      )}
    </div>
  );
}

const Messages = memo(({ result }: { result: unknown }) => {
  const { state, page, say } = useAppContext();
  const messages = isObject(result as Json) ? (result as { messages?: unknown }).messages : undefined;
  if (!Array.isArray(messages)) return <JsonBlock value={result} />;
  return (
    <div class="result">
      {messages.map((message: { role?: unknown; content?: unknown }, at) => (
        <section key={at}>
          <h5 dir="auto">{visibleName(String(message?.role))}</h5>
          <Content block={message?.content} />
        </section>
      ))}
      {state.chat && textOf(messages) !== "" && (
        <button type="button" class="link" onClick={() => page.setChat({ isChatting: true, drafted: [page.state.drafted, textOf(messages)].filter(Boolean).join("\n\n") })}>
          {say("prompt.chat")}
        </button>
      )}
    </div>
  );
});

// The texts of a prompt, for the chat's field. The person sends them, changed or not.
function textOf(messages: unknown[]): string {
  const blocks = messages.flatMap((message) => [(message as { content?: unknown } | null)?.content].flat());
  const texts = blocks.map((block) => {
    const { type, text, resource } = (block ?? {}) as { type?: unknown; text?: unknown; resource?: { text?: unknown } };
    return type === "text" ? text : type === "resource" ? resource?.text : undefined;
  });
  return texts.filter((text) => typeof text === "string").join("\n\n");
}
