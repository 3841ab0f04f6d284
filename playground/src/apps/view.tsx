// An app that shows a tool's result, in its frame, with what it asks the person.
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useAppContext } from "../page/context.ts";
import { filled } from "../page/language.ts";
import type { CallRecord } from "../page/state.ts";
import type { Tool } from "../protocol.ts";
import { visible } from "../visible.ts";
import { type AppWord, en, zh } from "../words/apps.ts";
import { type AppQuestion, type HostContext, removeUnseen, sessionOf } from "./session.ts";

/** Milliseconds in which the buttons of a question do nothing: a click that was meant for the app is no yes. */
const ARM_MS = 600;

const dark = matchMedia("(prefers-color-scheme: dark)");

export function AppView({ tool, record }: { tool: Tool; record: CallRecord }) {
  const { state: page, page: whole, client, say: sayOfPage } = useAppContext();
  const say = useWords();
  const place = useRef<HTMLDivElement>(null);
  // A text of the app waits in the chat's field, for the person to send.
  const toChat = (text: string) => whole.setChat({ drafted: [whole.state.drafted, text].filter(Boolean).join("\n") });
  const [session] = useState(() => sessionOf(client, tool, record, hostContextOf(page.language, 0), toChat));
  const [state, setState] = useState(session.store.state);
  useLayoutEffect(() => {
    if (place.current) session.attach(place.current);
    return () => session.park();
  }, []);
  useEffect(() => session.store.subscribe(() => setState(session.store.state)), []);
  useEffect(() => session.update(record), [record]);
  useEffect(() => {
    const follow = () => session.setHostContext(hostContextOf(page.language, place.current?.clientWidth ?? 0));
    follow();
    const observer = new ResizeObserver(follow);
    if (place.current) observer.observe(place.current);
    dark.addEventListener("change", follow);
    return () => {
      observer.disconnect();
      dark.removeEventListener("change", follow);
    };
  }, [page.language]);
  // An app begins when it is first seen: that of an earlier call once its part is opened.
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => {
      session.isSeen = entry?.isIntersecting === true;
      if (session.isSeen && session.store.state.phase === "waiting") show();
      else removeUnseen();
    });
    if (place.current) observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    // The style attribute of a text is against the page's policy; this is none.
    const frame = place.current?.querySelector("iframe");
    if (frame) frame.style.height = state.mode === "inline" ? `${state.height}px` : "";
  }, [state.height, state.mode, state.phase]);
  const fills = state.mode === "fullscreen";
  const box = useFilling(fills, () => session.setMode("inline"));
  function show() {
    if (place.current) void session.open(place.current);
  }
  const host = new URL(page.target.url).host;
  const isOn = state.phase === "shown";
  return (
    <section ref={box} class={fills ? "app filling" : "app"} aria-label={say("label", { host })}>
      <p class="row">
        <span class="note">{say("label", { host })}</span>
        {isOn && !fills && state.canFill && (
          <button type="button" class="small" onClick={() => session.setMode("fullscreen")}>
            {say("fill")}
          </button>
        )}
        {fills && (
          <button type="button" class="small" onClick={() => session.setMode("inline")}>
            {say("shrink")}
          </button>
        )}
        {isOn && (
          <button type="button" class="small" onClick={() => void session.end("closed")}>
            {say("close")}
          </button>
        )}
      </p>
      {state.phase === "reading" && <p role="status">{sayOfPage("later.loading")}</p>}
      {state.fault && (
        <p class="fault" role="alert" dir="auto">
          {say(`fault.${state.fault}`, { message: visible(state.told) })}
        </p>
      )}
      {state.phase === "asking" && state.resource && (
        <Asking text={say("permissions", { list: state.resource.permissions.map((name) => say(`permission.${name}`)).join(", ") })} yes={say("allow")} no={say("without")} answer={(yes) => void session.permit(yes)} />
      )}
      {state.missing.length > 0 && isOn && <p class="warning">{say("missing", { list: state.missing.map((name) => say(`permission.${name}`)).join(", ") })}</p>}
      {state.lacksStorage && <p class="warning">{say(state.hasStorage ? "blocked" : "storage")}</p>}
      {state.isFlooding && <p class="warning">{say("flood")}</p>}
      {state.resource && isOn && <Loads granted={Object.values(state.resource.sources.granted).flat()} refused={state.resource.sources.refused} />}
      {state.questions.map((question) => (
        <Question key={question.number} question={question} />
      ))}
      <div ref={place} class={state.resource?.border === false ? "frame bare" : "frame"} hidden={!isOn && state.phase !== "waiting"} />
      {(state.phase === "removed" || state.phase === "closed") && (
        <p class="choice">
          {state.phase === "removed" && <span class="note">{say("removed")}</span>}
          <button type="button" class="button plain" onClick={show}>
            {say("show")}
          </button>
        </p>
      )}
      <Told heading={say("lines")} texts={state.lines.map(({ kind, text }) => (kind === "said" ? say("said", { text }) : text))} />
      <Told heading={say("context")} texts={state.context === undefined ? [] : [JSON.stringify(state.context, undefined, 2)]}>
        {page.chat && (
          <button type="button" class="link" onClick={() => toChat(JSON.stringify(state.context))}>
            {say("toChat")}
          </button>
        )}
      </Told>
    </section>
  );
}

function useWords() {
  const words = useAppContext().state.language === "en" ? en : zh;
  return (word: AppWord, values: Record<string, string | number> = {}) => filled(words[word], values);
}

const hostContextOf = (locale: string, width: number): HostContext => ({ locale, theme: dark.matches ? "dark" : "light", width });

// All of the page but the app cannot be reached while it fills the page; a frame that moved in the document would load anew.
function useFilling(fills: boolean, leave: () => void) {
  const box = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    if (!fills || !box.current) return;
    const others: Element[] = [];
    for (let at: Element = box.current; at !== document.body && at.parentElement; at = at.parentElement)
      others.push(...[...at.parentElement.children].filter((other) => other !== at && !other.hasAttribute("inert")));
    for (const other of others) other.toggleAttribute("inert", true);
    const back = document.activeElement;
    box.current.querySelector("button")?.focus();
    const onKey = ({ key }: KeyboardEvent) => key === "Escape" && leave();
    document.addEventListener("keydown", onKey);
    return () => {
      for (const other of others) other.removeAttribute("inert");
      document.removeEventListener("keydown", onKey);
      if (back instanceof HTMLElement && back.isConnected) back.focus();
    };
  }, [fills]);
  return box;
}

function Loads({ granted, refused }: { granted: string[]; refused: string[] }) {
  const say = useWords();
  const hosts = [...new Set(granted)].join(" ");
  return (
    <>
      {hosts && <p class="note">{say("loads", { list: hosts })}</p>}
      {refused.length > 0 && (
        <p class="warning" dir="auto">
          {say("refused", { list: visible(refused.join(" ")) })}
        </p>
      )}
    </>
  );
}

function Question({ question }: { question: AppQuestion }) {
  const say = useWords();
  const { kind, subject, detail, answer } = question;
  const url = kind === "link" ? new URL(subject) : undefined;
  return (
    <Asking
      text={say(`ask.${kind}`, { subject: url ? url.host : visible(subject) })}
      detail={url ? url.href : kind === "say" ? subject : detail}
      href={url?.href}
      yes={say(`yes.${kind}`)}
      no={say("no")}
      answer={answer}
    />
  );
}

interface AskingGiven {
  text: string;
  detail?: string | undefined;
  href?: string | undefined;
  yes: string;
  no: string;
  answer(yes: boolean): void;
}

function Asking({ text, detail, href, yes, no, answer }: AskingGiven) {
  const [isArmed, setArmed] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setArmed(true), ARM_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="card" role="group" aria-label={text}>
      <p role="alert" dir="auto">
        <b>{text}</b>
      </p>
      {detail && (
        <pre tabIndex={0} class="text" dir="auto">
          {detail}
        </pre>
      )}
      <p class="choice">
        {href && isArmed ? (
          <a class="button" href={href} target="_blank" rel="noopener noreferrer" onClick={() => answer(true)}>
            {yes}
          </a>
        ) : (
          <button type="button" class="button" disabled={!isArmed} onClick={() => answer(true)}>
            {yes}
          </button>
        )}
        <button type="button" class="button plain" disabled={!isArmed} onClick={() => answer(false)}>
          {no}
        </button>
      </p>
    </div>
  );
}

function Told({ heading, texts, children }: { heading: string; texts: string[]; children?: ComponentChildren }) {
  if (texts.length === 0) return null;
  return (
    <details>
      <summary>
        {heading} <span class="note">{texts.length}</span>
      </summary>
      {texts.map((text, at) => (
        <pre key={at} tabIndex={0} class="text" dir="auto">
          {text}
        </pre>
      ))}
      {children}
    </details>
  );
}
