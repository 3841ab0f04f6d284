// The card of a call that the model asks for: the person reads it, changes its arguments, and decides.
import { mayDestroy } from "../protocol.ts";
import type { ComponentType } from "preact";
import { useCallback, useState } from "preact/hooks";
import { type Json, write } from "../exact.ts";
import { type Call, type Conversation, schemaOf } from "../chat/conversation.ts";
import type { Tool } from "../protocol.ts";
import type { SayChat } from "../words/chat.ts";
import { useValidation } from "./validation.ts";
import { SchemaForm } from "./form.tsx";
import { ProblemNote } from "./problem.tsx";
import { ToolResult } from "./result.tsx";

interface Given {
  id: string;
  call: Call;
  conversation: Conversation;
  say: SayChat;
  Marks: ComponentType<{ tool: Tool }>;
}

export function CallCard({ id, call, conversation, say, Marks }: Given) {
  const { offered, state, asked } = call;
  const heading = `${id}-heading`;
  return (
    <div role="group" class={state === "asked" ? "card" : "card past"} aria-labelledby={heading}>
      <h4 id={heading} dir="auto">
        {say("asks", { name: offered?.tool.name ?? asked.name })}
      </h4>
      <p>
        {offered && (
          <>
            <span class="note">{say("server")}</span> <b dir="auto">{offered.server.name}</b> <code>{offered.server.host}</code> <Marks tool={offered.tool} />{" "}
          </>
        )}
        <span class="tag">{say(`state.${state}`)}</span>
      </p>
      {state === "asked" ? <Decision id={id} call={call} conversation={conversation} say={say} /> : <Past call={call} say={say} />}
    </div>
  );
}

function Decision({ id, call, conversation, say }: Omit<Given, "Marks">) {
  const [isBlocked, setBlocked] = useState(false);
  const [isSure, setSure] = useState(false);
  const { offered } = call;
  const { errors } = useValidation(call.arguments, schemaOf(call));
  const change = useCallback((next: Json) => conversation.change(() => (call.arguments = next)), [conversation, call]);
  if (!offered) return null;
  const isOff = isBlocked || errors.length > 0;
  function always() {
    if (offered && mayDestroy(offered.tool) && !isSure) return setSure(true);
    void conversation.always(call);
  }
  return (
    <>
      <SchemaForm id={id} schema={(offered.tool.inputSchema ?? {}) as Json} value={call.arguments} errors={errors} onChange={change} onBlocked={setBlocked} />
      {errors.length > 0 && (
        <p class="fault" role="alert">
          {say("invalid")}
        </p>
      )}
      {isSure && (
        <p class="warning" role="alert">
          {say("allow.risk")}
        </p>
      )}
      <p class="choice">
        <button type="button" class="button" disabled={isOff} onClick={() => conversation.decide(call, true)}>
          {say("allow.once")}
        </button>
        <button type="button" class="button plain" disabled={isOff} onClick={always}>
          {say(isSure ? "allow.sure" : "allow.always")}
        </button>
        <button type="button" class="button plain" onClick={() => conversation.decide(call, false)}>
          {say("deny")}
        </button>
      </p>
    </>
  );
}

function Past({ call, say }: { call: Call; say: SayChat }) {
  const { offered, state, answer, problem, asked } = call;
  return (
    <>
      {state === "unfit" && <p class="note">{say(offered ? "unfit.arguments" : "unfit.tool", { name: asked.name })}</p>}
      <details>
        <summary>{say("arguments")}</summary>
        <pre tabIndex={0} dir="auto">
          {state === "unfit" ? asked.arguments : write(call.arguments, 2)}
        </pre>
      </details>
      {problem && <ProblemNote problem={problem} />}
      {answer && offered && <ToolResult tool={offered.tool} result={answer.result} />}
      {call.told !== "" && (
        <details>
          <summary>{say("told")}</summary>
          <pre tabIndex={0} dir="auto">
            {call.told}
          </pre>
        </details>
      )}
    </>
  );
}
