// The page as a whole: the server on one side, what it offers on the other.
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useChanges, useAppContext } from "./context.ts";
import { Outdated, later } from "./later.tsx";
import type { LogBook } from "./log-book.ts";
import { LostCalls } from "./lost-calls.tsx";
import { Server } from "./server.tsx";
import { OWN_SERVER } from "./start.ts";
import { type Tab, serverName } from "./state.ts";
import type { TraceLog } from "./trace-log.ts";
import { Marks, Tools } from "./tools.tsx";

const Resources = later(async () => (await import("./resources.tsx")).Resources);
const Prompts = later(async () => (await import("./prompts.tsx")).Prompts);
const TraceView = later(async () => (await import("./trace.tsx")).TraceView);
const Logs = later(async () => (await import("./logs.tsx")).Logs);
const Tasks = later(async () => (await import("./tasks.tsx")).Tasks);
const Chat = later(async () => (await import("./chat.tsx")).Chat);
const QuestionDialog = later(async () => (await import("./question.tsx")).QuestionDialog);

const VIEWS: Record<Tab, (props: object) => JSX.Element | null> = { tools: Tools, resources: Resources, prompts: Prompts, tasks: Tasks, logs: Logs, trace: TraceView };

export function App() {
  const { state, page, say } = useAppContext();
  const title = `${say("title")} · ${state.info ? serverName(state) : location.host}`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <>
      <header class="top">
        <p class="kind">{location.host}</p>
        <h1>{say("title")}</h1>
        <nav>
          <a href={new URL("/", OWN_SERVER).href}>{say("home")}</a>
          {state.chat && (
            <button type="button" class="link" aria-pressed={!!state.isChatting} onClick={() => page.setChat({ isChatting: !state.isChatting })}>
              {say("chat")}
            </button>
          )}
          <button type="button" class="link" lang={state.language === "en" ? "zh-Hans" : "en"} onClick={() => page.setLanguage(state.language === "en" ? "zh-Hans" : "en")}>
            {say("language")}
          </button>
        </nav>
      </header>
      <LostCalls />
      <Outdated />
      <main>
        <Server />
        {state.isChatting ? <Chat Marks={Marks} /> : (state.info || state.trace.length > 0) && <Parts key={state.shown} />}
      </main>
      <p class="unseen" role="status">
        {state.announcement}
      </p>
      {state.questions.length > 0 && <QuestionDialog key={state.shown} />}
    </>
  );
}

function Parts() {
  const { state, client, say } = useAppContext();
  const tabs = (["tools", "resources", "prompts", "tasks", "logs", "trace"] as const).filter((tab) => tab === "trace" || (tab === "tasks" && state.tasks.length > 0) || (tab === "logs" && client.logs.length > 0) || state.info?.capabilities[tab === "logs" ? "logging" : tab]);
  const shown = tabs.includes(state.tab) ? state.tab : (tabs[0] ?? "trace");
  // Until it is known what there is, the one part is shown only to a person who chose it.
  const isWaiting = state.phase === "connecting" && state.tab !== shown;
  const View = VIEWS[shown];
  const counts = { tools: state.tools.length, resources: state.resources.length + state.templates.length, prompts: state.prompts.length, tasks: state.tasks.length };
  function move(event: KeyboardEvent) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs.at((tabs.indexOf(shown) + step) % tabs.length) ?? shown;
    client.show(next);
    document.getElementById(`tab-${next}`)?.focus();
    event.preventDefault();
  }
  return (
    <section class="parts" aria-label={say("tabs.label")}>
      <div class="tabs" role="tablist" aria-label={say("tabs.label")} onKeyDown={move}>
        {tabs.map((tab) => (
          <button key={tab} type="button" role="tab" id={`tab-${tab}`} aria-selected={tab === shown && !isWaiting} aria-controls="panel" tabIndex={tab === shown ? 0 : -1} onClick={() => client.show(tab)}>
            {say(tab)} {tab === "logs" ? <Count of={client.logs} /> : tab === "trace" ? <Count of={state.trace} /> : <span>{counts[tab]}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id="panel" aria-labelledby={`tab-${shown}`}>
        {!isWaiting && <View />}
      </div>
    </section>
  );
}

// Messages come all the time: their number is drawn without the rest of the page.
function Count({ of }: { of: LogBook | TraceLog }) {
  useChanges(of);
  return <span>{of.length}</span>;
}
