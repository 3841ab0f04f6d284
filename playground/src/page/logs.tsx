// The log messages of the server, the newest first.
import { useMemo, useState } from "preact/hooks";
import { LOG_LEVELS, type LogLevel, initialLogLevel } from "../protocol.ts";
import { visibleName } from "../visible.ts";
import { useChanges, useAppContext } from "./context.ts";
import type { NumberedEntry } from "./log-book.ts";
import { VirtualList } from "./virtual-list.tsx";

const MAX_LINE_CHARS = 300;

export function Logs() {
  const { state, client, say } = useAppContext();
  const level = state.logLevel ?? (state.info?.era === "modern" ? initialLogLevel(state.info.capabilities) : "");
  const [least, setLeast] = useState("");
  const [logger, setLogger] = useState<string>();
  const [paused, setPaused] = useState<readonly NumberedEntry[]>();
  const [chosen, setChosen] = useState<NumberedEntry>();
  useChanges(client.logs);
  const entries = paused ?? client.logs.entries;
  const loggers = useMemo(() => [...new Set(entries.map(({ logger }) => logger))].toSorted(), [entries]);
  const found = useMemo(() => {
    const from = LOG_LEVELS.indexOf(least as LogLevel);
    return entries.filter((entry) => (logger === undefined || entry.logger === logger) && (from < 0 || LOG_LEVELS.indexOf(entry.level as LogLevel) >= from)).reverse();
  }, [entries, least, logger]);
  const missed = paused ? Math.max(0, (client.logs.entries.at(-1)?.number ?? 0) - (paused.at(-1)?.number ?? 0)) : 0;
  return (
    <div class="logs">
      <label for="log-level">{say("logs.asked")}</label>
      <select id="log-level" class="field" value={level} aria-describedby="log-level-hint" onChange={(event) => void client.setLogLevel(event.currentTarget.value as LogLevel | "")}>
        <option value="" disabled={state.info?.era === "legacy" && level !== ""}>
          {say(state.info?.era === "modern" ? "logs.none" : "logs.server")}
        </option>
        <Levels />
      </select>
      <p id="log-level-hint" class="note">
        {say(state.info?.era === "modern" ? "logs.hint.modern" : "logs.hint.legacy")}
      </p>
      <div class="row">
        <select class="field" aria-label={say("logs.least")} value={least} onChange={(event) => setLeast(event.currentTarget.value)}>
          <option value="">{say("logs.everyLevel")}</option>
          <Levels />
        </select>
        <select class="field" aria-label={say("logs.logger")} value={logger === undefined ? "" : `=${logger}`} onChange={(event) => setLogger(event.currentTarget.value === "" ? undefined : event.currentTarget.value.slice(1))}>
          <option value="">{say("logs.everyLogger")}</option>
          {loggers.map((name) => (
            <option key={name} value={`=${name}`}>
              {name === "" ? say("logs.nameless") : name}
            </option>
          ))}
        </select>
      </div>
      <p class="row">
        <button type="button" class="small" aria-pressed={paused !== undefined} onClick={() => setPaused(paused ? undefined : client.logs.entries)}>
          {say("logs.pause")}
        </button>
        <button type="button" class="link" onClick={() => (setPaused(undefined), setChosen(undefined), client.clearLogs())}>
          {say("trace.clear")}
        </button>
        <span class="note">
          {say("logs.count", { shown: found.length, all: entries.length })} {missed > 0 && say("logs.missed", { count: missed })}
        </span>
      </p>
      {found.length === 0 ? <p class="note">{say(entries.length === 0 ? "logs.empty" : "list.nothingFound")}</p> : <VirtualList kind="log" label={say("logs")} rows={found} keyOf={({ number }) => number} draw={(entry) => <LogRow entry={entry} isChosen={entry === chosen} onChoose={setChosen} />} />}
      {chosen && (
        <section>
          <h3 dir="auto">
            {visibleName(chosen.level)} {visibleName(chosen.logger)} {new Date(chosen.at).toLocaleTimeString()}
          </h3>
          <pre class="text" tabIndex={0} dir="auto">
            {textOf(chosen.data, 2)}
          </pre>
        </section>
      )}
    </div>
  );
}

function Levels() {
  return (
    <>
      {LOG_LEVELS.map((level) => (
        <option key={level} value={level}>
          {level}
        </option>
      ))}
    </>
  );
}

function LogRow({ entry, isChosen, onChoose }: { entry: NumberedEntry; isChosen: boolean; onChoose: (entry: NumberedEntry) => void }) {
  const { at, level, logger, data } = entry;
  return (
    <button type="button" aria-pressed={isChosen} onClick={() => onChoose(entry)}>
      <time>{new Date(at).toLocaleTimeString()}</time> <span class={isGrave(level) ? "tag strong" : "tag"}>{level}</span> {logger && <b dir="auto">{visibleName(logger)}</b>} <span dir="auto">{textOf(data).slice(0, MAX_LINE_CHARS)}</span>
    </button>
  );
}

const isGrave = (level: string): boolean => LOG_LEVELS.indexOf(level as LogLevel) >= LOG_LEVELS.indexOf("error");

const textOf = (data: unknown, indent?: number): string => (typeof data === "string" ? data : (JSON.stringify(data, undefined, indent) ?? ""));
