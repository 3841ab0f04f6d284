// Pages that a call needs the person to open, or had opened, and what the server tells of them since.
import { type Json, isObject } from "../exact.ts";
import { useAppContext } from "./context.ts";
import { PageLink } from "./elicitation.tsx";
import type { CallRecord } from "./state.ts";

/** The code of a call that is refused until the person went to a page. */
const PAGES_NEEDED = -32042;

interface Needed {
  message?: unknown;
  url?: unknown;
  elicitationId?: unknown;
}

export function Pages({ record }: { record: CallRecord }) {
  const { state, client, say } = useAppContext();
  const { problem, pages = [] } = record;
  const open = (id: unknown, url: unknown) => client.opened(record.number, { id: String(id), host: URL.parse(String(url))?.host ?? "" });
  return (
    <>
      {problem?.code === PAGES_NEEDED &&
        neededBy(problem.data).map(({ message, url, elicitationId }, at) => (
          <section key={at} class="card">
            <p class="text" dir="auto">
              {String(message ?? "")}
            </p>
            <PageLink url={url} onOpen={() => open(elicitationId, url)} />
          </section>
        ))}
      {pages.map(({ id, host }, at) => (
        <p key={at} role="status">
          {say(state.completed.includes(id) ? "page.done" : "page.opened", { host })}
        </p>
      ))}
      <p class="choice">
        <button type="button" class="button plain" disabled={state.phase !== "connected"} onClick={() => void client.repeat(record.number)}>
          {say("page.repeat")}
        </button>
      </p>
    </>
  );
}

function neededBy(data: unknown): Needed[] {
  const pages = isObject(data as Json) ? (data as { elicitations?: unknown }).elicitations : undefined;
  return Array.isArray(pages) ? pages.filter((page) => isObject(page)) : [];
}
