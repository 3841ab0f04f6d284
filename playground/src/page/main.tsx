// The page's beginning.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { App } from "./app.tsx";
import { SharedContext } from "./context.ts";
import { firstLanguage, speaker } from "./language.ts";
import { Page } from "./page.ts";
import { readSaved } from "./saved.ts";
import { begin, own } from "./start.ts";

const reading = readSaved();
const start = begin(reading.servers);
const page = new Page(firstLanguage(), reading, start);

function Root() {
  const [state, setState] = useState(page.state);
  useEffect(() => {
    setState(page.state);
    page.subscribe(() => setState(page.state));
  }, []);
  return (
    <SharedContext.Provider value={{ state, visitor: page.visitor, page, say: speaker(state.language) }}>
      <App />
    </SharedContext.Provider>
  );
}

// Where the server has other paths, its own address is another one.
async function ownAddress(): Promise<string> {
  try {
    const response = await fetch("/playground/config.json", { credentials: "omit" });
    const config = (await response.json()) as { mcp?: unknown };
    return typeof config.mcp === "string" ? config.mcp : own;
  } catch {
    return own;
  }
}

await page.setLanguage(page.state.language);
const root = document.getElementById("root");
if (root) render(<Root />, root);
const { visitor } = page;
const isResumed = await visitor.resume();
if (start.isAtOnce && !isResumed) void visitor.connect();
const address = await ownAddress();
if (visitor.state.phase === "idle" && visitor.state.target.url === own && !location.search.includes("server=")) visitor.setTarget({ url: address });
