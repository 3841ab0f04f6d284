// The page's beginning.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { addressOf } from "../address.ts";
import { type Json, parse, isObject } from "../exact.ts";
import { VERSIONS } from "../protocol.ts";
import { App } from "./app.tsx";
import { SharedContext } from "./context.ts";
import { attempt, firstLanguage, speaker } from "./language.ts";
import { type State, Store } from "./state.ts";
import { Visitor } from "./visitor.ts";

const query = new URLSearchParams(location.search);
const own = `${location.origin}/mcp`;
const linked = addressOf(query.get("server") ?? "");

const store = new Store(firstState());
const visitor = new Visitor(store);

function firstState(): State {
  const transport = query.get("transport");
  const version = VERSIONS.find((known) => known === query.get("version"));
  const tool = query.get("tool") ?? undefined;
  const draft = attempt(() => parse(query.get("args") ?? "")) as Json | undefined;
  const url = "url" in linked ? linked.url : own;
  return {
    language: firstLanguage(),
    target: { url, transport: transport === "sse" || transport === "streamable" ? transport : "auto", version: version ?? "auto", token: "", scope: "", headers: [] },
    isLinked: url !== own,
    phase: "idle",
    problem: undefined,
    info: undefined,
    tab: query.has("prompt") ? "prompts" : query.has("uri") ? "resources" : "tools",
    tools: [],
    resources: [],
    prompts: [],
    chosen: { tools: tool, resources: query.get("uri") ?? undefined, prompts: query.get("prompt") ?? undefined },
    search: {},
    drafts: tool && isObject(draft) ? { [tool]: draft } : {},
    uses: {},
    questions: [],
    trace: [],
    signIn: undefined,
    isSignedIn: false,
    announcement: "",
  };
}

function Page() {
  const [state, setState] = useState(store.state);
  useEffect(() => store.subscribe(() => setState(store.state)), []);
  return (
    <SharedContext.Provider value={{ state, visitor, say: speaker(state.language) }}>
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

await visitor.setLanguage(store.state.language);
const root = document.getElementById("root");
if (root) render(<Page />, root);
void visitor.resume();
if (!("url" in linked)) void ownAddress().then((url) => store.state.target.url === own && visitor.setTarget({ url }));
