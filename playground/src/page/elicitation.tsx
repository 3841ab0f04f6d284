// Elicitation: a form to fill in, or a page to open.
import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { isLoopback } from "../address.ts";
import { type Json, isObject, write } from "../exact.ts";
import { initial } from "../schema/field.ts";
import { visible } from "../visible.ts";
import { useActions, useAppContext } from "./context.ts";
import { useValidatedForm } from "./validation.ts";
import { SchemaForm } from "./form.tsx";
import type { Asking } from "./question.tsx";
import { serverName } from "./state.ts";
import { Unchecked } from "./unchecked.tsx";

interface ElicitationParams {
  message?: unknown;
  requestedSchema?: unknown;
  url?: unknown;
  elicitationId?: unknown;
}

const SECRET = /pass(word|phrase|code)|secret|api.?key|token|credential|private.?key|\b(pin|otp|cvv|cvc)\b/i;

export function FormQuestion({ question, reply }: Asking) {
  const { say } = useActions();
  const { message, requestedSchema } = (question.params ?? {}) as ElicitationParams;
  const schema = (isObject(requestedSchema as Json) ? requestedSchema : {}) as Json;
  const isSecret = useMemo(() => SECRET.test(`${message} ${write(schema)}`.replaceAll("_", " ")), [question]);
  const [value, setValue] = useState<Json>(() => initial(schema, schema, true) ?? {});
  const { form, validation, errors, setBlocked, check } = useValidatedForm();
  async function send(event: SubmitEvent) {
    event.preventDefault();
    // The question may be withdrawn meanwhile.
    if ((await check(value, schema)) && form.current) reply({ json: write({ action: "accept", content: value }) });
  }
  return (
    <form ref={form} onSubmit={send} noValidate>
      <Message text={message} />
      {isSecret && <p class="warning">{say("question.secret")}</p>}
      <SchemaForm id={`question-${question.number}`} schema={schema} value={value} errors={errors} onChange={setValue} onBlocked={setBlocked} />
      <Unchecked validation={validation} />
      <p class="choice">
        <button type="submit" class="button">
          {say("question.accept")}
        </button>
        <OtherAnswers reply={reply} />
      </p>
    </form>
  );
}

function Message({ text }: { text: unknown }) {
  return (
    <p class="text" dir="auto">
      {String(text ?? "")}
    </p>
  );
}

function OtherAnswers({ reply }: Pick<Asking, "reply">) {
  const { say } = useActions();
  return (
    <>
      <button type="button" class="button plain" onClick={() => reply({ json: '{"action":"decline"}' })}>
        {say("question.decline")}
      </button>
      <button type="button" class="button plain" onClick={() => reply({ json: '{"action":"cancel"}' })}>
        {say("question.cancel")}
      </button>
    </>
  );
}

export function PageQuestion({ question, reply }: Asking) {
  const { client } = useActions();
  const { message, url, elicitationId } = (question.params ?? {}) as ElicitationParams;
  function open() {
    const host = URL.parse(String(url))?.host ?? "";
    if (question.call !== undefined && elicitationId !== undefined) client.opened(question.call, { id: String(elicitationId), host });
    reply({ json: '{"action":"accept"}' });
  }
  return (
    <>
      <Message text={message} />
      <PageLink url={url} onOpen={open} others={<OtherAnswers reply={reply} />} />
    </>
  );
}

/** The address of a page, whole and with its host marked. It is opened by a click alone, and never fetched. */
export function PageLink({ url, onOpen, others }: { url: unknown; onOpen: () => void; others?: ComponentChildren }) {
  const { state, say } = useAppContext();
  const server = serverName(state);
  const page = pageOf(url);
  if (!page)
    return (
      <>
        <p class="fault" dir="auto">
          {say("question.badUrl", { url: visible(String(url)) })}
        </p>
        <p class="choice">{others}</p>
      </>
    );
  const { host, href } = page;
  const start = href.indexOf(host, page.protocol.length);
  return (
    <>
      <p dir="auto">{say("question.url", { server, host })}</p>
      <p dir="ltr">
        <code>
          {href.slice(0, start)}
          <mark>{host}</mark>
          {href.slice(start + host.length)}
        </code>
      </p>
      {/(^|\.)xn--/.test(page.hostname) && <p class="warning">{say("question.punycode", { host })}</p>}
      <p class="choice">
        <a class="button" href={href} target="_blank" rel="noopener noreferrer" onClick={onOpen}>
          {say("question.open", { host })}
        </a>
        {others}
      </p>
    </>
  );
}

// `URL` writes a name of other scripts as punycode. A name before the host could pass for it.
function pageOf(url: unknown): URL | undefined {
  const page = typeof url === "string" ? URL.parse(url) : null;
  if (!page || page.username || page.password) return undefined;
  return page.protocol === "https:" || (page.protocol === "http:" && isLoopback(page.hostname)) ? page : undefined;
}
