// The servers of the page, to switch between.
import { useActions, useAppContext } from "./context.ts";
import type { ServerClient } from "./server-client.ts";
import { Glyph } from "./glyph.tsx";
import { serverName } from "./state.ts";

export function ServerSwitcher() {
  const { page, say } = useActions();
  return (
    <ul class="switch" aria-label={say("switch.label")}>
      {page.clients.map((client) => (
        <Choice key={client.connection} client={client} />
      ))}
    </ul>
  );
}

function Choice({ client }: { client: ServerClient }) {
  const { state, page, say } = useAppContext();
  const { info, phase, questions, target } = client.state;
  const host = URL.parse(target.url)?.host;
  const name = info?.title ?? info?.name ?? host ?? say("switch.new");
  return (
    <li>
      <button type="button" aria-pressed={client.connection === state.shown} onClick={() => page.show(client.connection)}>
        <b dir="auto">{name}</b>
        {host && name !== host && <span class="note">{host}</span>}
        <span class="note">{say(questions.length > 0 ? "switch.asks" : `switch.${phase}`)}</span>
      </button>
      <button type="button" class="small" onClick={() => void page.close(client)}>
        <Glyph glyph="×" text={say("switch.close", { name: host ? serverName(client.state) : name })} />
      </button>
    </li>
  );
}
