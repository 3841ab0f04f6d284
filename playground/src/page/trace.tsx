// Every message and request, the newest first.
import { messageOf } from "../error-message.ts";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { TraceRow, TraceSource } from "../protocol.ts";
import type { Word } from "../words/en.ts";
import { useChanges, useAppContext } from "./context.ts";
import { Entry } from "./entry.tsx";
import { saveFile } from "./save.ts";
import { SignInSteps } from "./steps.tsx";
import type { TraceKind } from "./state.ts";
import { VirtualList } from "./virtual-list.tsx";

/** Milliseconds after the last change for a search in what came since. */
const SEARCH_MS = 200;

const KINDS: { [kind in TraceKind]: (row: TraceRow, isPinned: boolean) => boolean } = {
  all: () => true,
  out: ({ direction }) => direction === "out",
  in: ({ direction }) => direction === "in",
  http: ({ direction }) => direction === "http",
  faults: ({ isFault }) => isFault,
  deviations: ({ deviations }) => deviations !== undefined,
  signIn: ({ step, status }) => step !== undefined || status === 401 || status === 403,
  pinned: (_, isPinned) => isPinned,
};

export function TraceView() {
  const { state, client, say } = useAppContext();
  const [source, setSource] = useState<TraceSource>("live");
  const [fromFile, setFromFile] = useState<{ name: string; rows: TraceRow[] }>();
  const [fault, setFault] = useState<string>();
  const [paused, setPaused] = useState<{ rows: TraceRow[]; version: number }>();
  const [method, setMethod] = useState("");
  const [open, setOpen] = useState(new Set<number>());
  const [wanted, setWanted] = useState<number>();
  const file = useRef<HTMLInputElement>(null);
  const { trace, traceKind: kind } = state;
  useChanges(trace);
  const live = paused?.rows ?? trace.rows;
  const rows = source === "file" && fromFile ? fromFile.rows : live;
  const version = source === "file" ? -1 : (paused?.version ?? trace.version);
  const found = useFound(source, version);
  const methods = useMemo(() => [...new Set(rows.filter(({ direction }) => direction === "in" || direction === "out").map(({ title }) => title))].sort(), [rows, version]);
  const shown = useMemo(
    () => rows.filter((row) => KINDS[kind](row, trace.pinned.has(row.number)) && (method === "" || row.title === method) && (!found || found.has(row.number))).reverse(),
    [rows, version, trace.version, kind, method, found],
  );
  async function take(chosen: File | undefined) {
    if (!chosen) return;
    try {
      setFromFile({ name: chosen.name, rows: await client.ask("importTrace", { file: chosen }) });
      setSource("file");
      setFault(undefined);
      setOpen(new Set());
    } catch (error) {
      setFault(say("trace.import.failed", { message: messageOf(error) }));
    }
  }
  function toggle(number: number, isOpen: boolean) {
    if (open.has(number) === isOpen) return;
    const next = new Set(open);
    if (isOpen) next.add(number);
    else next.delete(number);
    setOpen(next);
  }
  function find(number: number) {
    if (!shown.some((row) => row.number === number)) {
      client.search("trace", "");
      client.showTrace("all");
      setMethod("");
    }
    setWanted(number);
    toggle(number, true);
  }
  return (
    <div class="trace">
      <div class="row wrap">
        <input class="field" type="search" aria-label={say("trace.filter")} placeholder={say("trace.filter")} value={state.search.trace ?? ""} onInput={(event) => client.search("trace", event.currentTarget.value)} />
        <select class="field" aria-label={say("trace.kind")} value={kind} onChange={(event) => client.showTrace(event.currentTarget.value as TraceKind)}>
          {Object.keys(KINDS).map((name) => (
            <option key={name} value={name}>
              {say(`trace.kind.${name}` as Word)}
            </option>
          ))}
        </select>
        <select class="field" aria-label={say("trace.method")} value={method} onChange={(event) => setMethod(event.currentTarget.value)}>
          <option value="">{say("trace.method.all")}</option>
          {methods.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <div class="row wrap">
        {source === "live" && (
          <>
            <button type="button" class="small" aria-pressed={paused !== undefined} onClick={() => setPaused(paused ? undefined : { rows: [...trace.rows], version: trace.version })}>
              {say("trace.pause")}
            </button>
            <button type="button" class="small" onClick={() => (setPaused(undefined), setOpen(new Set()), client.clearTrace())}>
              {say("trace.clear")}
            </button>
          </>
        )}
        <button type="button" class="small" onClick={() => void client.ask("exportTrace", { of: source }).then((blob) => saveFile(blob, `trace-${URL.parse(state.target.url)?.hostname ?? "server"}.json`))}>
          {say("trace.export")}
        </button>
        <button type="button" class="small" onClick={() => file.current?.click()}>
          {say("trace.import")}
        </button>
        <input ref={file} type="file" accept=".json,application/json" hidden onChange={(event) => (void take(event.currentTarget.files?.[0]), (event.currentTarget.value = ""))} />
        {paused && <span class="note">{say("trace.paused", { count: trace.countAfter(paused.rows.at(-1)?.number ?? 0) })}</span>}
      </div>
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      {source === "file" && fromFile && (
        <p class="warning">
          {say("trace.imported", { name: fromFile.name })}{" "}
          <button type="button" class="link" onClick={() => (setSource("live"), setOpen(new Set()))}>
            {say("trace.live")}
          </button>
        </p>
      )}
      {kind === "signIn" && shown.length > 0 && <SignInSteps rows={shown.toReversed()} find={find} />}
      {shown.length === 0 ? (
        <p class="note">{say(rows.length === 0 ? "trace.empty" : "list.nothingFound")}</p>
      ) : (
        <VirtualList
          label={say("trace")}
          rows={shown}
          keyOf={({ number }) => number}
          wanted={wanted}
          draw={(row) => <Entry key={row.number} row={row} source={source} isOpen={open.has(row.number)} toggle={toggle} find={find} />}
        />
      )}
    </div>
  );
}

// Bodies are in the Web Worker, which looks through them.
function useFound(source: TraceSource, version: number): Set<number> | undefined {
  const { state, client } = useAppContext();
  const [found, setFound] = useState<Set<number>>();
  const text = (state.search.trace ?? "").trim();
  const isLooked = useRef(false);
  useEffect(() => {
    let isWanted = true;
    // The first search has messages checked, also where nothing is searched.
    if (text === "" && isLooked.current && source === "live") return setFound(undefined);
    isLooked.current = true;
    const timer = setTimeout(async () => {
      const numbers = await client.ask("searchTrace", { text, of: source }).catch(() => []);
      if (isWanted) setFound(text === "" ? undefined : new Set(numbers));
    }, text === "" ? 0 : SEARCH_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [text, source, text === "" ? 0 : version]);
  return text === "" ? undefined : (found ?? new Set());
}
