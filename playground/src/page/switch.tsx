// The servers of the page, to switch between.
import { useActions, useShared } from "./context.ts";
import type { Visitor } from "./visitor.ts";
import { Sign } from "./sign.tsx";
import { serverName } from "./state.ts";

export function Switch() {
  const { page, say } = useActions();
  return (
    <ul class="switch" aria-label={say("switch.label")}>
      {page.visitors.map((visitor) => (
        <Choice key={visitor.connection} visitor={visitor} />
      ))}
    </ul>
  );
}

function Choice({ visitor }: { visitor: Visitor }) {
  const { state, page, say } = useShared();
  const { info, phase, questions, target } = visitor.state;
  const host = URL.parse(target.url)?.host;
  const name = info?.title ?? info?.name ?? host ?? say("switch.new");
  return (
    <li>
      <button type="button" aria-pressed={visitor.connection === state.shown} onClick={() => page.show(visitor.connection)}>
        <b dir="auto">{name}</b>
        {host && name !== host && <span class="note">{host}</span>}
        <span class="note">{say(questions.length > 0 ? "switch.asks" : `switch.${phase}`)}</span>
      </button>
      <button type="button" class="small" onClick={() => void page.close(visitor)}>
        <Sign sign="×" text={say("switch.close", { name: host ? serverName(visitor.state) : name })} />
      </button>
    </li>
  );
}
