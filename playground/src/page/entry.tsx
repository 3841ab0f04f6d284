// One entry of the trace: a row, and all that is known of it once it is opened.
import { useState } from "preact/hooks";
import type { Deviation, TraceRow, TraceSource } from "../protocol.ts";
import { en, type Word } from "../words/en.ts";
import { useActions, useAppContext } from "./context.ts";
import { noteIn } from "./language.ts";
import { later } from "./later.tsx";
import { LazyDetails } from "./lazy-details.tsx";
import { useAnswer } from "./use-answer.ts";

const RequestCopies = later(async () => (await import("./copies.tsx")).RequestCopies);

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

interface Props {
  row: TraceRow;
  source: TraceSource;
  isOpen: boolean;
  toggle: (number: number, isOpen: boolean) => void;
  find: (number: number) => void;
}

export function Entry({ row, source, isOpen, toggle, find }: Props) {
  const { state, say } = useAppContext();
  const { number, direction, title, status, ms, bytes, id, at, isFault, deviations, step } = row;
  const head = (
    <>
      <span class={`arrow ${direction === "note" ? "told" : direction}`} />
      <span class="unseen">{say(`trace.${direction}`)}</span> <b dir="auto">{direction === "note" ? noteIn(state.language, title) : title}</b> {id !== undefined && <code>#{id}</code>}{" "}
      {status !== undefined && <span class={status >= 400 ? "tag strong" : "tag"}>{status}</span>}
      {isFault && (status === undefined || status < 400) && <span class="tag strong">{say("trace.fault")}</span>}
      {step && <span class="tag">{say(`step.${step}` as Word)}</span>}
      {deviations !== undefined && <span class="tag strong">{say("trace.deviations", { count: deviations })}</span>}
      {source === "live" && state.trace.pinned.has(number) && <span class="tag">{say("trace.pinned")}</span>}
      <span class="note">
        {ms !== undefined && `${ms} ms`} {bytes !== undefined && `${bytes} B`} <time>{TIME.format(at)}</time>
      </span>
    </>
  );
  if (direction === "note") return <p class="entry">{head}</p>;
  return (
    <details open={isOpen} onToggle={(event) => toggle(number, event.currentTarget.open)}>
      <summary class="entry">{head}</summary>
      {isOpen && <Details row={row} source={source} find={find} />}
    </details>
  );
}

function Details({ row, source, find }: Pick<Props, "row" | "source" | "find">) {
  const { state, client, say } = useAppContext();
  const [isPlain, setPlain] = useState(false);
  const { number, partner } = row;
  const { answer: view, fault } = useAnswer(() => client.ask("traceEntry", { number, isPlain, of: source }), [row, isPlain]);
  if (fault) return <p class="note">{fault}</p>;
  if (!view) return <p class="note">{say("later.loading")}</p>;
  const { entry, deviations, differing, hidden } = view;
  const { http, body, answer, version, stream } = entry;
  const isPinned = state.trace.pinned.has(number);
  return (
    <div class="opened">
      <p>
        {http && (
          <code dir="auto">
            {http.method} {http.url}
          </code>
        )}{" "}
        {version && <span class="tag">{version}</span>} {version && <span class="tag">{say(version >= "2026" ? "trace.era.modern" : "trace.era.legacy")}</span>}
      </p>
      {stream && (
        <p class="note">
          {say(`trace.stream.${stream.kind}`)}{" "}
          <button type="button" class="link" onClick={() => find(stream.of)}>
            {say("trace.number", { number: stream.of })}
          </button>
          {stream.event !== undefined && ` ${say("trace.event", { id: stream.event })}`}
        </p>
      )}
      <div class="row wrap">
        {partner !== undefined && (
          <button type="button" class="small" onClick={() => find(partner)}>
            {say(partner > number ? "trace.toAnswer" : "trace.toRequest")}
          </button>
        )}
        {source === "live" && (
          <>
            <button type="button" class="small" aria-pressed={isPinned} onClick={() => client.pinTrace(number, !isPinned)}>
              {say("trace.pin")}
            </button>
            <button type="button" class="small" aria-pressed={isPlain} onClick={() => setPlain(!isPlain)}>
              {say("trace.plain")}
            </button>
          </>
        )}
      </div>
      <Deviations found={deviations} />
      {differing.map(({ header, body }) => (
        <p key={header} class="warning">
          {say("trace.differs", { header, body })}
        </p>
      ))}
      <Body heading={answer === undefined ? undefined : say("trace.request")} text={body} />
      <Body heading={say("trace.answer")} text={answer} />
      {entry.isCut && <p class="note">{say("trace.cut")}</p>}
      {entry.isGone && <p class="note">{say("trace.gone")}</p>}
      {http && <HeaderList heading={say("trace.headers.sent")} headers={http.requestHeaders} marked={differing.map(({ header }) => header)} />}
      {http && <HeaderList heading={say("trace.headers.got")} headers={http.responseHeaders} marked={[]} />}
      {hidden.length > 0 && <p class="note">{say("trace.hidden", { names: hidden.join(", ") })}</p>}
      {http && <LazyDetails heading={say("trace.copy")}>{() => <Copies number={number} source={source} />}</LazyDetails>}
    </div>
  );
}

function Copies({ number, source }: { number: number; source: TraceSource }) {
  const { client, say } = useActions();
  const { answer: request, fault } = useAnswer(() => client.ask("traceRequest", { number, of: source }), [number]);
  if (request === undefined && fault === undefined) return <p class="note">{say("later.loading")}</p>;
  return request ? <RequestCopies request={request} /> : <p class="note">{say("trace.gone")}</p>;
}

function Deviations({ found }: { found: Deviation[] | undefined }) {
  const { say } = useActions();
  if (!found || found.length === 0) return null;
  return (
    <div class="warning">
      <p>{say("trace.deviates")}</p>
      <ul>
        {found.map(({ pointer, keyword, demand }, at) => (
          <li key={at}>
            <code dir="auto">{pointer || "/"}</code> {`check.${keyword}` in en ? say(`check.${keyword}` as Word, { demand }) : `${keyword} ${demand}`}
          </li>
        ))}
      </ul>
      <p class="note">{say("trace.covered")}</p>
    </div>
  );
}

function Body({ heading, text }: { heading: string | undefined; text: string | undefined }) {
  if (!text) return null;
  return (
    <>
      {heading && <h5>{heading}</h5>}
      <pre tabIndex={0} dir="auto">
        {pretty(text)}
      </pre>
    </>
  );
}

function HeaderList({ heading, headers, marked }: { heading: string; headers: [string, string][]; marked: string[] }) {
  if (headers.length === 0) return null;
  return (
    <>
      <h5>{heading}</h5>
      <pre tabIndex={0}>
        {headers.map(([name, value]) => {
          const line = `${name}: ${value}`;
          return marked.includes(line) ? <mark key={line}>{line}{"\n"}</mark> : `${line}\n`;
        })}
      </pre>
    </>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
