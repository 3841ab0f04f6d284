// The log messages of the server, the newest first. Only the rows that are in sight are drawn.
import { useMemo, useState } from "preact/hooks";
import { LOG_LEVELS, type LogLevel, initialLogLevel } from "../protocol.ts";
import { visibleName } from "../visible.ts";
import { useActions, useChanges, useAppContext } from "./context.ts";
import type { NumberedEntry } from "./log-book.ts";

/** The height of a row in pixels, as in the style sheet. A finger needs more. */
const ROW_PX = matchMedia("(max-width: 61.99rem), (pointer: coarse)").matches ? 44 : 32;

/** Rows that are drawn above and below those in sight. */
const SPARE_ROWS = 10;

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
      {found.length === 0 ? <p class="note">{say(entries.length === 0 ? "logs.empty" : "list.nothingFound")}</p> : <Rows entries={found} chosen={chosen} onChoose={setChosen} />}
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

function Rows({ entries, chosen, onChoose }: { entries: NumberedEntry[]; chosen: NumberedEntry | undefined; onChoose: (entry: NumberedEntry) => void }) {
  const { say } = useActions();
  const [{ top, height }, setView] = useState({ top: 0, height: 600 });
  const first = Math.max(0, Math.min(Math.floor(top / ROW_PX), entries.length) - SPARE_ROWS);
  const last = Math.min(entries.length, Math.ceil((top + height) / ROW_PX) + SPARE_ROWS);
  return (
    <div class="log" role="region" aria-label={say("logs")} tabIndex={0} onScroll={({ currentTarget: { scrollTop, clientHeight } }) => setView({ top: scrollTop, height: clientHeight })}>
      <ol style={{ paddingTop: `${first * ROW_PX}px`, paddingBottom: `${(entries.length - last) * ROW_PX}px` }}>
        {entries.slice(first, last).map((entry) => (
          <li key={entry.number}>
            <button type="button" aria-pressed={entry === chosen} onClick={() => onChoose(entry)}>
              <time>{new Date(entry.at).toLocaleTimeString()}</time> <span class={isGrave(entry.level) ? "tag strong" : "tag"}>{entry.level}</span> {entry.logger && <b dir="auto">{visibleName(entry.logger)}</b>} <span dir="auto">{textOf(entry.data).slice(0, MAX_LINE_CHARS)}</span>
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}

const isGrave = (level: string): boolean => LOG_LEVELS.indexOf(level as LogLevel) >= LOG_LEVELS.indexOf("error");

const textOf = (data: unknown, indent?: number): string => (typeof data === "string" ? data : (JSON.stringify(data, undefined, indent) ?? ""));
