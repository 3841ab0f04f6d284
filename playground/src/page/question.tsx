// The questions of a server: one at a time, with the call that each belongs to.
import type { ComponentType } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Reply } from "../protocol.ts";
import type { Word } from "../words/en.ts";
import { useActions, useAppContext } from "./context.ts";
import { FormQuestion, PageQuestion } from "./elicitation.tsx";
import { later } from "./later.tsx";
import { type Question, serverName } from "./state.ts";

const SamplingQuestion = later(async () => (await import("./sampling.tsx")).SamplingQuestion);

export interface Asking {
  question: Question;
  reply: (reply: Reply) => void;
}

export function QuestionDialog() {
  const { state } = useAppContext();
  const [question] = state.questions;
  return question ? <Dialog key={question.number} question={question} /> : null;
}

interface Kind {
  heading: Word;
  View: ComponentType<Asking>;
  /** The reply of whoever closes the dialog. */
  dismissal: Reply;
}

const REFUSED: Reply = { error: { code: -1, message: "The person refused." } };
const CANCELLED: Reply = { json: '{"action":"cancel"}' };

function kindOf({ method, params }: Question): Kind {
  if (method === "sampling/createMessage") return { heading: "sampling.heading", View: SamplingQuestion, dismissal: REFUSED };
  if (method === "rounds") return { heading: "rounds.heading", View: RoundsQuestion, dismissal: { json: "false" } };
  const isPage = (params as { mode?: unknown } | undefined)?.mode === "url";
  return { heading: "question.heading", View: isPage ? PageQuestion : FormQuestion, dismissal: CANCELLED };
}

function Dialog({ question }: { question: Question }) {
  const { state, client, say } = useAppContext();
  const dialog = useRef<HTMLDialogElement>(null);
  // Closed before it goes: then the focus returns to where it was.
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  const { heading, View, dismissal } = kindOf(question);
  const reply = (reply: Reply) => client.answer(question.number, reply);
  const { call } = question;
  const waiting = state.questions.length - 1;
  return (
    <dialog ref={dialog} aria-labelledby="question-heading" onClose={() => reply(dismissal)}>
      <h2 id="question-heading" dir="auto">
        {say(heading, { server: serverName(state) })}
      </h2>
      <p class="note" dir="auto">
        {new URL(state.target.url).host} <Place question={question} />
      </p>
      <View question={question} reply={reply} />
      <p class="choice">
        {waiting > 0 && <span class="note">{say("question.more", { count: waiting })}</span>}
        {call !== undefined && (
          <button type="button" class="link" onClick={() => client.cancel(call)}>
            {say("question.end")}
          </button>
        )}
      </p>
    </dialog>
  );
}

function Place({ question: { call, round } }: { question: Question }) {
  const { client, say } = useActions();
  const name = client.nameOf(call);
  return (
    <>
      {name !== undefined && <>· {say("question.call", { name })} </>}
      {round && <>· {say("question.round", { ...round })}</>}
    </>
  );
}

function RoundsQuestion({ question, reply }: Asking) {
  const { say } = useActions();
  const { rounds } = question.params as { rounds: number };
  return (
    <>
      <p>{say("rounds.text", { rounds })}</p>
      <p class="choice">
        <button type="button" class="button" onClick={() => reply({ json: "true" })}>
          {say("rounds.goOn")}
        </button>
        <button type="button" class="button plain" onClick={() => reply({ json: "false" })}>
          {say("rounds.stop")}
        </button>
      </p>
    </>
  );
}
