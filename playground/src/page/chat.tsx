// The chat: a model of this deployment, with the tools of the connected servers.
import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { key } from "../chat/allowed-tools.ts";
import { Conversation, type Step, type Turn } from "../chat/conversation.ts";
import { type ChatServer, withModelNames } from "../chat/tool-names.ts";
import { answerSampling } from "../chat/sampling.ts";
import { tokensOf, toolOf } from "../chat/model-messages.ts";
import type { Tool } from "../protocol.ts";
import { type ChatWord, type SayChat, chatSpeaker } from "../words/chat.ts";
import { samplingModels } from "./sampling-models.ts";
import { ChatAccount } from "./chat-account.ts";
import { CallCard } from "./chat-call.tsx";
import { useAppContext } from "./context.ts";
import { DeploymentSignInCard } from "./deployment-sign-in-card.tsx";
import type { Page } from "./page.ts";

/** From so many tools on, their size is told. */
const MANY_TOOLS = 100;

/** Calls of the chat have numbers of their own: those of the page's are smaller. */
let lastCall = 1e9;

let kept: { conversation: Conversation; account: ChatAccount } | undefined;

// The conversation lasts as long as the page, whatever is shown.
function keptChat(page: Page, models: string[]) {
  if (kept) return kept;
  const account = new ChatAccount(page);
  const conversation = new Conversation(models[0] ?? "", (...asked) => account.ask(...asked), () => serversOf(page));
  account.onChange = () => conversation.change();
  samplingModels.push({
    get name() {
      return conversation.model;
    },
    answer: (params, signal) => answerSampling(params, conversation, (...asked) => account.ask(...asked), signal),
  });
  return (kept = { conversation, account });
}

function serversOf(page: Page): ChatServer[] {
  return page.clients.flatMap((client): ChatServer[] => {
    const { phase, info, target, tools } = client.state;
    if (phase !== "connected" || !info) return [];
    return [
      {
        id: client.connection,
        name: info.title ?? info.name,
        url: target.url,
        host: new URL(target.url).host,
        tools: tools.filter(({ _meta }) => !isForAppsOnly(_meta)),
        instructions: info.instructions,
        // A question of its server is seen where the server is shown.
        call: (number, tool, json) => (page.show(client.connection), client.run(number, tool, json)),
        cancel: (number) => client.cancel(number),
        nextCall: () => ++lastCall,
      },
    ];
  });
}

function isForAppsOnly(meta: Record<string, unknown> | undefined): boolean {
  const ui = meta?.["ui"] as { visibility?: unknown } | undefined;
  return Array.isArray(ui?.visibility) && !ui.visibility.includes("model");
}

export interface ChatGiven {
  /** Of the page, whose module is not loaded again for them. */
  Marks: ComponentType<{ tool: Tool }>;
}

export function Chat({ Marks }: ChatGiven) {
  const { state, page } = useAppContext();
  const { chat } = state;
  const [, redraw] = useState({});
  const say = chatSpeaker(state.language);
  const { conversation, account } = keptChat(page, chat?.models ?? []);
  const [announcement, announce] = useState("");
  useEffect(() => conversation.subscribe(() => redraw({})), []);
  useEffect(() => {
    conversation.onEvent = (event, detail) => announce(event === "asked" ? say("asked", { name: detail }) : event === "answered" ? say("answered") : "");
  }, [state.language]);
  useEffect(() => {
    if (chat?.signIn) void account.admit();
  }, []);
  if (!chat) return null;
  const isLetIn = !chat.signIn || account.isSignedIn;
  return (
    <section class="parts" aria-labelledby="chat-heading">
      <h2 id="chat-heading">{say("log")}</h2>
      <p class="note">{say("about")}</p>
      <Settings conversation={conversation} models={chat.models} servers={serversOf(page)} say={say} />
      <div role="log" aria-label={say("log")} aria-live="off" aria-busy={conversation.isRunning}>
        {conversation.turns.map((turn, at) => (
          <TurnView key={at} at={at} turn={turn} isLast={at === conversation.turns.length - 1} conversation={conversation} say={say} Marks={Marks} />
        ))}
      </div>
      {!isLetIn && <DeploymentSignInCard account={account} id="chat-sign-in" text={say("problem.unauthorized")} />}
      <Composer conversation={conversation} isOff={!isLetIn} say={say} />
      {chat.signIn && account.isSignedIn && (
        <p>
          <button type="button" class="link" onClick={() => void account.signOut()}>
            {say("signOut")}
          </button>
        </p>
      )}
      <p class="unseen" role="status">
        {announcement}
      </p>
    </section>
  );
}

function Settings({ conversation, models, servers, say }: { conversation: Conversation; models: string[]; servers: ChatServer[]; say: SayChat }) {
  const all = withModelNames(servers);
  const offered = conversation.offered;
  const isMany = offered.length > MANY_TOOLS;
  const toggle = <T,>(set: Set<T>, value: T, isIn: boolean) => conversation.change(() => void (isIn ? set.add(value) : set.delete(value)));
  return (
    <>
      <label for="chat-model">{say("model")}</label>
      <p class="row">
        <select id="chat-model" class="field" value={conversation.model} onChange={(event) => conversation.change(() => (conversation.model = event.currentTarget.value))}>
          {models.map((model) => (
            <option key={model} value={model}>
              {model}
            </option>
          ))}
        </select>
        <button type="button" class="small" onClick={() => conversation.clear()}>
          {say("new")}
        </button>
      </p>
      <label class="check">
        <input type="checkbox" checked={conversation.takesImages} aria-describedby="chat-images-hint" onChange={(event) => toggle(conversation.seeing, conversation.model, event.currentTarget.checked)} />
        {say("images")}
      </label>
      <p id="chat-images-hint" class="note">
        {say("images.hint")}
      </p>
      {all.length === 0 && <p class="note">{say("tools.none")}</p>}
      {all.length > 0 && (
        <details class="choices">
          <summary>{say("tools", { count: offered.length, all: all.length })}</summary>
          {servers.map((server) => (
            <fieldset key={server.id}>
              <legend dir="auto">
                {server.name} <code>{server.host}</code>
              </legend>
              {server.instructions && (
                <label class="check">
                  <input type="checkbox" checked={conversation.instructing.has(server.id)} onChange={(event) => toggle(conversation.instructing, server.id, event.currentTarget.checked)} />
                  <span dir="auto">{say("instructions", { name: `${server.name} (${server.host})` })}</span>
                </label>
              )}
              {all
                .filter((one) => one.server.id === server.id)
                .map((one) => (
                  <label key={one.tool.name} class="check">
                    <input type="checkbox" checked={!conversation.withheld.has(key(one))} onChange={(event) => toggle(conversation.withheld, key(one), !event.currentTarget.checked)} />
                    <code dir="auto">{one.tool.name}</code>
                  </label>
                ))}
            </fieldset>
          ))}
          <label class="check">
            <input type="checkbox" checked={conversation.isTogether} onChange={(event) => conversation.change(() => (conversation.isTogether = event.currentTarget.checked))} />
            {say("together")}
          </label>
        </details>
      )}
      {isMany && <p class="warning">{say("tools.many", { tokens: tokensOf(JSON.stringify(offered.map(toolOf))) })}</p>}
    </>
  );
}

interface TurnGiven {
  at: number;
  turn: Turn;
  isLast: boolean;
  conversation: Conversation;
  say: SayChat;
  Marks: ChatGiven["Marks"];
}

function TurnView({ at, turn, isLast, conversation, say, Marks }: TurnGiven) {
  const isIdle = isLast && !conversation.isRunning;
  return (
    <>
      <article class="use">
        <h3>{say("you")}</h3>
        <p class="text" dir="auto">
          {turn.text}
        </p>
      </article>
      {turn.steps.map((step, number) => (
        <StepView key={number} id={`chat-${at}-${number}`} step={step} conversation={conversation} say={say} Marks={Marks} />
      ))}
      {isIdle && turn.isPaused && (
        <p class="warning">
          {say("paused", { steps: turn.steps.length })}{" "}
          <button type="button" class="link" onClick={() => void conversation.goOn()}>
            {say("paused.goOn")}
          </button>
        </p>
      )}
      {isIdle && turn.steps.at(-1)?.end !== "complete" && (
        <button type="button" class="link" onClick={() => void conversation.again()}>
          {say("again")}
        </button>
      )}
    </>
  );
}

function StepView({ id, step, conversation, say, Marks }: ChatGiven & { id: string; step: Step; conversation: Conversation; say: SayChat }) {
  return (
    <article class="use">
      <h3>{say("assistant")}</h3>
      {step.text !== "" && (
        <p class="text" dir="auto">
          {step.text}
        </p>
      )}
      {step.end === undefined && <p class="note">{say("thinking")}</p>}
      {step.calls.map((call, at) => (
        <CallCard key={call.asked.id} id={`${id}-${at}`} call={call} conversation={conversation} say={say} Marks={Marks} />
      ))}
      {step.end === "stopped" && <p class="note">{say("end.stopped")}</p>}
      {step.end && step.end !== "stopped" && step.end !== "complete" && (
        <p class="fault" role="alert" dir="auto">
          {sentence(step, say)}
        </p>
      )}
    </article>
  );
}

const KNOWN = ["limit", "total", "busy", "upstream_limit", "upstream", "too_large", "off"] as const;

// One sentence about an answer that did not come whole.
function sentence({ end, problem }: Step, say: SayChat): string {
  if (end !== "problem") return say(`end.${end}` as ChatWord, { message: problem?.message ?? "" });
  const { code, seconds } = (problem?.data ?? {}) as { code?: string; seconds?: number };
  if (problem?.kind === "unauthorized") return say("problem.unauthorized");
  const known = KNOWN.find((name) => name === code);
  const time = seconds === undefined ? "" : new Date(Date.now() + seconds * 1000).toLocaleString();
  if (known) return say(`problem.${known}`, { time });
  if (problem?.kind === "http" && problem.code !== undefined) return problem.code >= 500 ? say("problem.upstream") : say("problem.request", { message: problem.message || problem.code });
  return say(problem?.kind === "refused" || problem?.kind === "blocked" ? "problem.network" : "end.broken");
}

function Composer({ conversation, isOff, say }: { conversation: Conversation; isOff: boolean; say: SayChat }) {
  const { state, page } = useAppContext();
  const text = state.drafted ?? "";
  const setText = (drafted: string) => page.setChat({ drafted });
  const form = useRef<HTMLFormElement>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  // A text that was put here from elsewhere waits for the person.
  useEffect(() => {
    if (text !== "") field.current?.focus();
  }, []);
  function send(event: SubmitEvent) {
    event.preventDefault();
    if (text.trim() === "" || conversation.isRunning || isOff) return;
    setText("");
    void conversation.send(text);
  }
  // Enter sends, unless it ends the composition of a character.
  function key(event: KeyboardEvent) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.current?.requestSubmit();
  }
  return (
    <form ref={form} class="composer" onSubmit={send}>
      <label for="chat-message">{say("message")}</label>
      <textarea ref={field} id="chat-message" class="field" rows={3} dir="auto" value={text} onInput={(event) => setText(event.currentTarget.value)} onKeyDown={key} />
      <p class="choice">
        {conversation.isRunning ? (
          <button type="button" class="button plain" onClick={() => conversation.stop()}>
            {say("stop")}
          </button>
        ) : (
          <button type="submit" class="button" disabled={isOff}>
            {say("send")}
          </button>
        )}
      </p>
    </form>
  );
}
