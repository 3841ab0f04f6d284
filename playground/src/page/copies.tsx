// Texts to copy: a call as a command or code, a server as a client's configuration, the page's state as a link.
import { useEffect, useId, useState } from "preact/hooks";
import { curl, fetchCode, powershell, sdkCode } from "../copy/code.ts";
import { installations } from "../copy/install.ts";
import type { Portable, PortableRequest } from "../copy/portable.ts";
import { write } from "../exact.ts";
import type { Tool } from "../protocol.ts";
import { useActions, useAppContext } from "./context.ts";
import { linkTo } from "./state-link.ts";
import { useAnswer } from "./use-answer.ts";

export interface Choice {
  label: string;
  text: string;
}

/** The call of a tool with the arguments that stand in its form. */
export function CallCopies({ tool }: { tool: Tool }) {
  const { client, say } = useActions();
  const json = write(client.draftOf(tool));
  const { answer: call, fault } = useAnswer(() => client.portable(tool), [tool, json]);
  if (fault) return <p class="note">{fault}</p>;
  if (!call) return <p class="note">{say("later.loading")}</p>;
  return (
    <>
      <Copyable choices={[...(call.request ? choicesOf(call.request) : []), { label: "SDK (JavaScript)", text: sdkCode(call.call) }]} />
      {!call.request && <p class="note">{say("copy.stream")}</p>}
      <Variables texts={[call.call.url, ...call.call.headers.map(([, value]) => value), ...(call.request?.headers.map(([, value]) => value) ?? [])]} />
    </>
  );
}

/** A request that was made. */
export function RequestCopies({ request }: { request: PortableRequest }) {
  return (
    <>
      <Copyable choices={choicesOf(request)} />
      <Variables texts={[request.url, ...request.headers.map(([, value]) => value)]} />
    </>
  );
}

const choicesOf = (request: PortableRequest): Choice[] => [
  { label: "curl (bash)", text: curl(request) },
  { label: "curl (PowerShell)", text: powershell(request) },
  { label: "fetch (JavaScript)", text: fetchCode(request) },
];

function Variables({ texts }: { texts: Portable[] }) {
  const { say } = useActions();
  const names = new Set(texts.flat().flatMap((part) => (typeof part === "string" ? [] : [part.variable])));
  return names.size === 0 ? null : <p class="note">{say("copy.variables", { names: [...names].map((name) => `$${name}`).join(", ") })}</p>;
}

/** The connected server in the configuration of clients, and the state of the page as a link. */
export function ServerCopies() {
  const { state, say } = useAppContext();
  const name = state.info?.name ?? "mcp";
  const choices = installations(name, state.target.url).map(({ client, file, through, text }) => ({
    label: [client, through && say("copy.through", { name: through }), file ?? say("copy.command")].filter(Boolean).join(" · "),
    text,
  }));
  return (
    <>
      <Copyable choices={choices} />
      {(state.target.token !== "" || state.target.headers.length > 0) && <p class="note">{say("copy.noSecrets")}</p>}
      <h4>{say("copy.link")}</h4>
      <p class="note">{say("copy.link.hint")}</p>
      <Copyable choices={[{ label: say("copy.link"), text: linkTo(state) }]} />
    </>
  );
}

/** Texts of which one is shown, to be copied. */
export function Copyable({ choices }: { choices: Choice[] }) {
  const { say } = useActions();
  const id = useId();
  const [at, setAt] = useState(0);
  const [isCopied, setCopied] = useState<boolean>();
  const { label, text } = choices[at] ?? choices[0] ?? { label: "", text: "" };
  useEffect(() => setCopied(undefined), [text]);
  async function copy() {
    // Where there is no clipboard, the text can be marked by hand.
    await navigator.clipboard?.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  }
  return (
    <div class="copy">
      <p class="row">
        {choices.length > 1 && (
          <select class="field" aria-label={say("copy.form")} value={at} onChange={(event) => setAt(Number(event.currentTarget.value))}>
            {choices.map(({ label }, at) => (
              <option key={label} value={at}>
                {label}
              </option>
            ))}
          </select>
        )}
        <button type="button" class="small" aria-describedby={`${id}-said`} onClick={() => void copy()}>
          {say("copy.copy")}
          <span class="unseen"> {label}</span>
        </button>
        <span id={`${id}-said`} class="note" role="status">
          {isCopied !== undefined && say(isCopied ? "copy.done" : "copy.failed")}
        </span>
      </p>
      <pre tabIndex={0} role="region" aria-label={label} dir="ltr">
        {text}
      </pre>
    </div>
  );
}
