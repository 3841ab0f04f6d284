// The page's beginning.
import { render } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { App } from "./app.tsx";
import { ActionsContext, StateContext } from "./context.ts";
import { firstLanguage, speaker } from "./language.ts";
import { Page } from "./page.ts";
import { readSaved } from "./server-storage.ts";
import { SETTINGS, initialServers, OWN_SERVER } from "./start.ts";
import type { PageState } from "./state.ts";

/** Settings of this deployment. */
interface Settings extends Pick<PageState, "chat" | "relay"> {
  mcp?: string;
}

const reading = readSaved();
const start = initialServers(reading.servers);
const page = new Page(firstLanguage(), reading, start);

function Root() {
  const [state, setState] = useState(page.state);
  useEffect(() => {
    setState(page.state);
    page.subscribe(() => setState(page.state));
  }, []);
  const { client } = page;
  const actions = useMemo(() => ({ client, page, say: speaker(state.language) }), [client, state.language]);
  return (
    <ActionsContext.Provider value={actions}>
      <StateContext.Provider value={state}>
        <App />
      </StateContext.Provider>
    </ActionsContext.Provider>
  );
}

await page.setLanguage(page.state.language);
const root = document.getElementById("root");
if (root) render(<Root />, root);
// A keyboard on the screen takes a part of it: the field stays in sight.
window.visualViewport?.addEventListener("resize", () => {
  if (document.activeElement?.matches("input, textarea, select")) document.activeElement.scrollIntoView({ block: "nearest" });
});
const { client } = page;
const isResumed = await client.resume();
if (start.isAtOnce && !isResumed) void client.connect();
// Where the server has other paths, its own address is another one.
const settings: Promise<Settings> = fetch(SETTINGS, { credentials: "omit" }).then((response) => response.json());
const { mcp, chat, relay } = await settings.catch((): Settings => ({}));
if (chat || relay) page.setChat({ ...(chat ? { chat } : {}), ...(relay ? { relay } : {}) });
if (mcp && client.state.phase === "idle" && client.state.target.url === OWN_SERVER && !location.search.includes("server=")) client.setTarget({ url: mcp });
