// What a server asks the person while a call runs.
import { useEffect, useRef, useState } from "preact/hooks";
import { type Json, isObject, write } from "../exact.ts";
import { isLoopback } from "../address.ts";
import { type Misfit, check } from "../schema/check.ts";
import { initial } from "../schema/field.ts";
import { useShared } from "./context.ts";
import { SchemaForm } from "./form.tsx";
import type { Question } from "./state.ts";

interface Asked {
  mode?: unknown;
  message?: unknown;
  requestedSchema?: unknown;
  url?: unknown;
}

export function QuestionDialog() {
  const { state, visitor, say } = useShared();
  const dialog = useRef<HTMLDialogElement>(null);
  const [question] = state.questions;
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  if (!question) return null;
  const asked = (question.params ?? {}) as Asked;
  const server = state.info?.title ?? state.info?.name ?? "";
  const answer = (value: unknown) => visitor.answer(question.number, value);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="question-heading"
      onCancel={(event) => {
        event.preventDefault();
        answer({ action: "cancel" });
      }}
    >
      <h2 id="question-heading" dir="auto">
        {say("question.heading", { server })}
      </h2>
      <p class="note">{new URL(state.target.url).host}</p>
      <p class="text" dir="auto">
        {String(asked.message ?? "")}
      </p>
      {asked.mode === "url" ? <Page key={question.number} url={String(asked.url)} answer={answer} /> : <Form key={question.number} question={question} asked={asked} answer={answer} />}
      {state.questions.length > 1 && <p class="note">{say("question.more", { count: state.questions.length - 1 })}</p>}
    </dialog>
  );
}

const SECRET = /pass(word|phrase)|secret|api.?key|token|credential|private.?key|\bpin\b/i;

function Form({ question, asked, answer }: { question: Question; asked: Asked; answer: (value: unknown) => void }) {
  const { say } = useShared();
  const schema = (isObject(asked.requestedSchema as Json) ? asked.requestedSchema : {}) as Json;
  const [value, setValue] = useState<Json>(() => initial(schema, schema, true) ?? {});
  const [misfits, setMisfits] = useState<Misfit[]>([]);
  const [isBlocked, setBlocked] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (misfits.length > 0) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [misfits]);
  function send(event: SubmitEvent) {
    event.preventDefault();
    const found = check(value, schema);
    setMisfits(found);
    if (found.length === 0 && !isBlocked) answer({ action: "accept", content: JSON.parse(write(value)) });
  }
  return (
    <form ref={form} onSubmit={send} noValidate>
      {SECRET.test(write(schema)) && <p class="warning">{say("question.secret")}</p>}
      <SchemaForm id={`question-${question.number}`} schema={schema} value={value} misfits={misfits} onChange={setValue} onBlocked={setBlocked} />
      <p class="choice">
        <button type="submit" class="button">
          {say("question.accept")}
        </button>
        <button type="button" class="button plain" onClick={() => answer({ action: "decline" })}>
          {say("question.decline")}
        </button>
        <button type="button" class="button plain" onClick={() => answer({ action: "cancel" })}>
          {say("question.cancel")}
        </button>
      </p>
    </form>
  );
}

// The address is shown whole, and opened by a click alone. `URL` writes a name of other scripts as punycode.
function Page({ url, answer }: { url: string; answer: (value: unknown) => void }) {
  const { state, say } = useShared();
  const parsed = URL.parse(url);
  const isFit = parsed !== null && (parsed.protocol === "https:" || (parsed.protocol === "http:" && isLoopback(parsed.hostname)));
  const server = state.info?.title ?? state.info?.name ?? "";
  return (
    <>
      {isFit ? (
        <>
          <p>{say("question.url", { server, host: parsed.host })}</p>
          <p>
            <code>{parsed.href}</code>
          </p>
        </>
      ) : (
        <p class="fault">{say("question.badUrl", { url })}</p>
      )}
      <p class="choice">
        {isFit && (
          <a class="button" href={parsed.href} target="_blank" rel="noopener noreferrer" onClick={() => answer({ action: "accept" })}>
            {say("question.open", { host: parsed.host })}
          </a>
        )}
        <button type="button" class="button plain" onClick={() => answer({ action: "decline" })}>
          {say("question.decline")}
        </button>
        <button type="button" class="button plain" onClick={() => answer({ action: "cancel" })}>
          {say("question.cancel")}
        </button>
      </p>
    </>
  );
}
