// Sampling: the whole of what a server would have a model answer, and the answer, by hand or by a model that the person lets.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Json, isObject, write } from "../exact.ts";
import { initial } from "../schema/field.ts";
import { type SamplingModel, samplingModels } from "./sampling-models.ts";
import { useActions } from "./context.ts";
import { useValidatedForm } from "./validation.ts";
import { JsonText, SchemaForm } from "./form.tsx";
import { JsonBlock } from "./json-block.tsx";
import type { Asking } from "./question.tsx";
import { Content } from "./result.tsx";
import { Unchecked } from "./unchecked.tsx";

interface SampledTool {
  name: string;
  description?: unknown;
  inputSchema?: unknown;
}

interface Sampling {
  messages?: unknown;
  systemPrompt?: unknown;
  tools?: unknown;
  toolChoice?: { mode?: unknown };
}

const isTool = (tool: unknown): tool is SampledTool => typeof (tool as SampledTool | null)?.name === "string";

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);

export function SamplingQuestion({ question, reply }: Asking) {
  const { say } = useActions();
  const params = (isObject(question.params as Json) ? question.params : {}) as Sampling;
  const mode = params.toolChoice?.mode;
  const tools = mode === "none" ? [] : listOf(params.tools).filter(isTool);
  const [tool, setTool] = useState(mode === "required" ? tools[0]?.name : undefined);
  const [text, setText] = useState("");
  const [input, setInput] = useState<Json>({});
  const [model, setModel] = useState("human");
  const [isJson, setJson] = useState(false);
  const [edited, setEdited] = useState<Json>();
  const { form, validation, errors, setBlocked, check } = useValidatedForm();
  const chosen = tools.find(({ name }) => name === tool);
  const schema = (chosen?.inputSchema ?? {}) as Json;
  const id = `sampling-${question.number}`;
  useEffect(() => setInput(initial(schema, schema) ?? {}), [tool]);
  const made: Json = chosen
    ? { role: "assistant", content: [{ type: "tool_use", id: `call_${question.number}`, name: chosen.name, input }], model, stopReason: "toolUse" }
    : { role: "assistant", content: { type: "text", text }, model, stopReason: "endTurn" };
  async function send(event: SubmitEvent) {
    event.preventDefault();
    // The question may be withdrawn meanwhile.
    if ((await check(chosen && edited === undefined ? input : undefined, schema)) && form.current) reply({ json: write(edited ?? made) });
  }
  function take(answer: unknown) {
    setEdited(answer as Json);
    setJson(true);
  }
  return (
    <form ref={form} onSubmit={send} noValidate>
      <Request params={params} />
      <h3>{say("sampling.answer")}</h3>
      <div class="sides" role="group" aria-label={say("sampling.sides")}>
        {[false, true].map((side) => (
          <button key={String(side)} type="button" class="small" aria-pressed={side === isJson} onClick={() => (setJson(side), setBlocked(false), setEdited(side ? made : undefined))}>
            {say(side ? "form.json" : "form.form")}
          </button>
        ))}
      </div>
      {isJson ? (
        <JsonText id={`${id}-json`} label={say("form.json")} value={edited ?? made} onChange={setEdited} onFault={setBlocked} />
      ) : (
        <>
          {tools.length > 0 && (
            <>
              <label for={`${id}-with`}>{say("sampling.with")}</label>
              <select id={`${id}-with`} class="field" value={tool ?? ""} onChange={(event) => setTool(event.currentTarget.value || undefined)}>
                {mode !== "required" && <option value="">{say("sampling.text")}</option>}
                {tools.map(({ name }) => (
                  <option key={name} value={name}>
                    {say("sampling.tool", { name })}
                  </option>
                ))}
              </select>
            </>
          )}
          {chosen ? (
            <>
              <SchemaForm key={tool} id={id} schema={schema} value={input} errors={errors} onChange={setInput} onBlocked={setBlocked} emptyText={say("tool.noArguments")} />
              <Unchecked validation={validation} />
            </>
          ) : (
            <>
              <label for={`${id}-text`}>{say("sampling.text")}</label>
              <textarea id={`${id}-text`} class="field" rows={5} dir="auto" value={text} onInput={(event) => setText(event.currentTarget.value)} />
            </>
          )}
          <label for={`${id}-model`}>{say("sampling.model")}</label>
          <input id={`${id}-model`} class="field" spellcheck={false} value={model} onInput={(event) => setModel(event.currentTarget.value)} />
        </>
      )}
      <p class="choice">
        <button type="submit" class="button">
          {say("question.accept")}
        </button>
        {samplingModels.map((answerer) => (
          <ModelButton key={answerer.name} answerer={answerer} params={params} take={take} />
        ))}
        <button type="button" class="button plain" onClick={() => reply({ error: { code: -1, message: "The person refused." } })}>
          {say("sampling.refuse")}
        </button>
      </p>
    </form>
  );
}

/** Has a model answer. What it says is filled in, and not sent. */
function ModelButton({ answerer, params, take }: { answerer: SamplingModel; params: unknown; take: (answer: unknown) => void }) {
  const { say } = useActions();
  const [state, setState] = useState<"idle" | "asking" | "failed">("idle");
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  async function ask() {
    setState("asking");
    try {
      take(await answerer.answer(params, stop.current.signal));
      setState("idle");
    } catch {
      setState("failed");
    }
  }
  return (
    <>
      <button type="button" class="button plain" disabled={state === "asking"} onClick={() => void ask()}>
        {say("sampling.ask", { name: answerer.name })}
      </button>
      {state === "failed" && <span role="alert">{say("sampling.askFailed", { name: answerer.name })}</span>}
    </>
  );
}

function Request({ params }: { params: Sampling }) {
  const { say } = useActions();
  const { messages, systemPrompt, tools, toolChoice, ...others } = params;
  return (
    <div class="request">
      {systemPrompt !== undefined && (
        <section>
          <h3>{say("sampling.system")}</h3>
          <pre class="text" tabIndex={0} dir="auto">
            {String(systemPrompt)}
          </pre>
        </section>
      )}
      {listOf(messages).map((message, at) => (
        <section key={at}>
          <h3 dir="auto">{String((message as { role?: unknown } | null)?.role)}</h3>
          {listOf((message as { content?: unknown } | null)?.content).map((block, at) => (
            <Block key={at} block={block} />
          ))}
        </section>
      ))}
      {listOf(tools).length > 0 && (
        <details>
          <summary>{say("sampling.tools", { count: listOf(tools).length, mode: String(toolChoice?.mode ?? "auto") })}</summary>
          {listOf(tools).map((tool, at) => (
            <section key={at}>
              <h3 dir="auto">{isTool(tool) ? tool.name : "?"}</h3>
              {isTool(tool) && typeof tool.description === "string" && <p dir="auto">{tool.description}</p>}
              <JsonBlock value={isTool(tool) ? tool.inputSchema : tool} />
            </section>
          ))}
        </details>
      )}
      {Object.keys(others).length > 0 && (
        <section>
          <h3>{say("sampling.settings")}</h3>
          <JsonBlock value={others} />
        </section>
      )}
    </div>
  );
}

interface ToolBlock {
  type?: unknown;
  name?: unknown;
  input?: unknown;
  content?: unknown;
  isError?: unknown;
}

function Block({ block }: { block: unknown }) {
  const { say } = useActions();
  const { type, name, input, content, isError } = (isObject(block as Json) ? block : {}) as ToolBlock;
  if (type === "tool_use")
    return (
      <>
        <p class="note" dir="auto">
          {say("sampling.tool", { name: String(name) })}
        </p>
        <JsonBlock value={input} />
      </>
    );
  if (type === "tool_result")
    return (
      <>
        <p class="note">{say(isError === true ? "result.failed" : "sampling.result")}</p>
        {listOf(content).map((inner, at) => (
          <Content key={at} block={inner} />
        ))}
      </>
    );
  return <Content block={block} />;
}
