// The tools, and the one that is chosen: its form, its calls and their results.
import { useCallback, useMemo } from "preact/hooks";
import { type Json, isObject } from "../exact.ts";
import { type Tool, hasApp, mayDestroy } from "../protocol.ts";
import { visibleName } from "../visible.ts";
import { useActions, useAppContext } from "./context.ts";
import { useValidatedForm } from "./validation.ts";
import { EntryHeader } from "./entry-header.tsx";
import { SchemaForm } from "./form.tsx";
import { JsonBlock } from "./json-block.tsx";
import { later } from "./later.tsx";
import { Listing } from "./listing.tsx";
import { LazyDetails } from "./lazy-details.tsx";
import type { Word } from "../words/en.ts";
import { withGone } from "./marks.ts";
import { memo } from "./memo.tsx";
import type { State } from "./state.ts";
import { TaskChoice } from "./task-choice.tsx";
import { Unchecked } from "./unchecked.tsx";
import { CallResults } from "./call-results.tsx";
import { schemaOf } from "./server-client.ts";

const results = () => import("./result.tsx");
const ToolResult = memo(later(async () => (await results()).ToolResult));
const HeaderNote = later(async () => (await import("./header-note.tsx")).HeaderNote);

const CallCopies = later(async () => (await import("./copies.tsx")).CallCopies);

const AppView = later(async () => (await import("../apps/view.tsx")).AppView);

export function Tools() {
  const { state } = useAppContext();
  const { tools, lists, info } = state;
  const { all, entries } = useMemo(() => {
    const { all, markOf } = withGone(state, "tools");
    const entryOf = (tool: Tool) => ({ id: tool.name, title: titleOf(tool), description: tool.description, marks: <Tags tool={tool} isUncallable={isUncallable(state, tool)} />, state: markOf(tool), icons: tool.icons });
    return { all, entries: all.map(entryOf) };
  }, [tools, lists.tools, info]);
  const tool = all.find(({ name }) => name === state.chosen.tools);
  return (
    <Listing tab="tools" entries={entries}>
      {tool && <ToolView key={tool.name} tool={tool} />}
    </Listing>
  );
}

const titleOf = (tool: Tool): string => visibleName(tool.title ?? (typeof tool.annotations?.["title"] === "string" ? tool.annotations["title"] : tool.name));

function marksOf(tool: Tool): Word[] {
  const { annotations = {}, _meta } = tool;
  const marks: Word[] = [];
  const isReadOnly = annotations["readOnlyHint"] === true;
  if (isReadOnly) marks.push("tool.readOnly");
  if (mayDestroy(tool)) marks.push("tool.destructive");
  if (!isReadOnly && annotations["idempotentHint"] === true) marks.push("tool.idempotent");
  marks.push(annotations["openWorldHint"] === false ? "tool.closedWorld" : "tool.openWorld");
  const ui = _meta?.["ui"] as { visibility?: unknown } | undefined;
  if (Array.isArray(ui?.visibility) && !ui.visibility.includes("model")) marks.push("tool.forApps");
  return marks;
}

/** Whether the tool cannot be called for a fault of its headers, which the older versions do not know. */
const isUncallable = ({ info, lists }: State, { name }: Tool): boolean => info?.era === "modern" && Object.hasOwn(lists.tools?.faults ?? {}, name);

export function Marks({ tool }: { tool: Tool }) {
  const { state } = useAppContext();
  return <Tags tool={tool} isUncallable={isUncallable(state, tool)} />;
}

function Tags({ tool, isUncallable }: { tool: Tool; isUncallable: boolean }) {
  const { say } = useActions();
  return (
    <span class="marks">
      {isUncallable && <span class="tag strong">{say("tool.uncallable")}</span>}
      {marksOf(tool).map((mark) => (
        <span key={mark} class={mark === "tool.destructive" ? "tag strong" : "tag"}>
          {say(mark)}
        </span>
      ))}
    </span>
  );
}

function ToolView({ tool }: { tool: Tool }) {
  const { state, client, say } = useAppContext();
  const { form, validation, errors, setBlocked, check } = useValidatedForm();
  const schema = schemaOf(tool);
  const value = client.draftOf(tool);
  const calls = state.calls[`tools ${tool.name}`] ?? [];
  const change = useCallback((next: Json) => client.setDraft(tool, next), [client, tool]);
  async function call(event: SubmitEvent) {
    event.preventDefault();
    // The view of the result is loaded while the server works on it. Where it cannot be, the result tells.
    results().catch(() => {});
    if (await check(value, schema)) void client.call(tool);
  }
  return (
    <article>
      <EntryHeader title={titleOf(tool)} id={tool.name} description={tool.description}>
        <Marks tool={tool} />
      </EntryHeader>
      {isUncallable(state, tool) && <HeaderNote tool={tool} />}
      <form ref={form} onSubmit={call} noValidate>
        <SchemaForm id={`tool-${tool.name}`} schema={schema} value={value} errors={errors} onChange={change} onBlocked={setBlocked} emptyText={say("tool.noArguments")} />
        {errors.length > 0 && (
          <p class="fault" role="alert">
            {say("tool.invalid")}{" "}
            <button type="button" class="link" disabled={isUncallable(state, tool)} onClick={() => void client.call(tool)}>
              {say("tool.anyway")}
            </button>
          </p>
        )}
        <Unchecked validation={validation} />
        <TaskChoice tool={tool} />
        <p class="choice">
          <button type="submit" class="button" disabled={state.phase !== "connected" || isUncallable(state, tool)}>
            {say(calls.length > 0 ? "tool.again" : "tool.call")}
          </button>
        </p>
      </form>
      <CallResults name={tool.name} calls={calls} show={(result) => <ToolResult tool={tool} result={result} />} beside={state.target.offers.apps && hasApp(tool) ? (record) => <AppView tool={tool} record={record} /> : undefined} />
      {state.phase === "connected" && <LazyDetails heading={say("copy.call")}>{() => <CallCopies tool={tool} />}</LazyDetails>}
      <Schema heading={say("tool.schema")} schema={tool.inputSchema} />
      <Schema heading={say("tool.output")} schema={tool.outputSchema} />
    </article>
  );
}

function Schema({ heading, schema }: { heading: string; schema: unknown }) {
  if (!isObject(schema as never)) return null;
  return (
    <details>
      <summary>{heading}</summary>
      <JsonBlock value={schema} />
    </details>
  );
}
