// The page's beginning.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { addressOf } from "../address.ts";
import { type Json, parse, isObject } from "../exact.ts";
import { VERSIONS, targetOf } from "../protocol.ts";
import { App } from "./app.tsx";
import { SharedContext } from "./context.ts";
import { attempt, firstLanguage, speaker } from "./language.ts";
import { Page } from "./page.ts";
import { type ServerState, newServer } from "./state.ts";

const query = new URLSearchParams(location.search);
const own = `${location.origin}/mcp`;
const linked = addressOf(query.get("server") ?? "");

const page = new Page(firstLanguage(), firstServer());

function firstServer(): ServerState {
  const transport = query.get("transport");
  const version = VERSIONS.find((known) => known === query.get("version"));
  const tool = query.get("tool") ?? undefined;
  const draft = attempt(() => parse(query.get("args") ?? "")) as Json | undefined;
  const url = "url" in linked ? linked.url : own;
  return {
    ...newServer({ ...targetOf(url), transport: transport === "sse" || transport === "streamable" ? transport : "auto", version: version ?? "auto" }),
    isLinked: url !== own,
    tab: query.has("prompt") ? "prompts" : query.has("uri") ? "resources" : "tools",
    chosen: { tools: tool, resources: query.get("uri") ?? undefined, prompts: query.get("prompt") ?? undefined },
    drafts: tool && isObject(draft) ? { [tool]: draft } : {},
  };
}

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
void visitor.resume();
if (!("url" in linked)) void ownAddress().then((url) => visitor.state.target.url === own && visitor.setTarget({ url }));
