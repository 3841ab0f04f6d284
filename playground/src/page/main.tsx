// The page's beginning.
import { render } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { App } from "./app.tsx";
import { ActionsContext, StateContext } from "./context.ts";
import { firstLanguage, speaker } from "./language.ts";
import { Page } from "./page.ts";
import { readSaved } from "./saved.ts";
import { SETTINGS, begin, own } from "./start.ts";
import type { PageState } from "./state.ts";

/** Settings of this deployment. */
interface Settings extends Pick<PageState, "chat" | "relay"> {
  mcp?: string;
}

const reading = readSaved();
const start = begin(reading.servers);
const page = new Page(firstLanguage(), reading, start);

function Root() {
  const [state, setState] = useState(page.state);
  useEffect(() => {
    setState(page.state);
    page.subscribe(() => setState(page.state));
  }, []);
  const { visitor } = page;
  const actions = useMemo(() => ({ visitor, page, say: speaker(state.language) }), [visitor, state.language]);
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
const { visitor } = page;
const isResumed = await visitor.resume();
if (start.isAtOnce && !isResumed) void visitor.connect();
// Where the server has other paths, its own address is another one.
const settings: Promise<Settings> = fetch(SETTINGS, { credentials: "omit" }).then((response) => response.json());
const { mcp, chat, relay } = await settings.catch((): Settings => ({}));
if (chat || relay) page.setChat({ ...(chat ? { chat } : {}), ...(relay ? { relay } : {}) });
if (mcp && visitor.state.phase === "idle" && visitor.state.target.url === own && !location.search.includes("server=")) visitor.setTarget({ url: mcp });
