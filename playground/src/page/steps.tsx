// A sign-in step by step: which request each is, what for, and how it was answered.
import type { SignInStep, TraceRow } from "../protocol.ts";
import type { Word } from "../words/en.ts";
import { useActions } from "./context.ts";

const STEPS: ("challenge" | SignInStep)[] = ["challenge", "resource", "server", "registration", "authorize", "answer", "token", "renewal", "revocation"];

/** Steps that come only later, if at all. */
const OPTIONAL = ["renewal", "revocation"];

export function SignInSteps({ rows, find }: { rows: TraceRow[]; find: (number: number) => void }) {
  const { say } = useActions();
  return (
    <section class="card" aria-labelledby="steps-heading">
      <h4 id="steps-heading">{say("step.heading")}</h4>
      <ol class="steps">
        {STEPS.map((step) => {
          const requests = rows.filter((row) => (row.step ?? (row.direction === "out" || row.direction === "http" ? "challenge" : undefined)) === step);
          if (requests.length === 0 && OPTIONAL.includes(step)) return null;
          return (
            <li key={step}>
              <b>{say(`step.${step}` as Word)}</b> <span class="note">{say(`step.${step}.about` as Word)}</span>
              {requests.length === 0 && <p class="note">{say("step.none")}</p>}
              <ul>
                {requests.map((row) => (
                  <li key={row.number}>
                    <button type="button" class="link" onClick={() => find(row.number)}>
                      {row.title}
                    </button>{" "}
                    {row.status !== undefined && <span class={row.status >= 400 ? "tag strong" : "tag"}>{row.status}</span>}
                    {row.isFault && row.status === undefined && <span class="tag strong">{say("trace.fault")}</span>} {row.ms !== undefined && <span class="note">{row.ms} ms</span>}
                  </li>
                ))}
              </ul>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
