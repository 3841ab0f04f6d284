// Help with a problem whose cause is known: what happened, what to do, and the details folded.
import type { Problem } from "../protocol.ts";
import { type Word } from "../words/en.ts";
import { useActions, useAppContext } from "./context.ts";
import { Copyable } from "./copies.tsx";
import { corsTexts } from "./cors.ts";
import { later } from "./later.tsx";
import { Details } from "./problem.tsx";

const RelayOffer = later(async () => (await import("./relay.tsx")).RelayOffer);
const RelaySignIn = later(async () => (await import("./relay.tsx")).RelaySignIn);

export function Help({ problem }: { problem: Problem }) {
  const { state, say } = useAppContext();
  const { cause = "", facts = {}, code } = problem;
  const isCors = cause === "cors" || cause === "cors.headers";
  return (
    <div class="problem" role="alert">
      <p>
        <b>{say(`help.${cause}` as Word, { ...facts, code: code ?? "" })}</b>
      </p>
      {facts["step"] && <p>{say("help.step", { step: say(`step.${facts["step"]}` as Word), url: facts["url"] ?? "" })}</p>}
      {facts["worked"] && <p>{say("help.worked", { url: facts["worked"] })}</p>}
      <p>{say(`help.${cause}.do` as Word, { ...facts, origin: location.origin })}</p>
      {isCors && state.relay && <RelayOffer />}
      {cause === "relay.unauthorized" && <RelaySignIn />}
      {isCors && <Cors problem={problem} />}
      {cause === "http.404" && <OtherPaths url={facts["url"] ?? ""} />}
      {cause === "nothing" && <OwnTab url={facts["url"] ?? ""} />}
      <Details problem={problem} />
    </div>
  );
}

function Cors({ problem: { facts = {}, headers = [] } }: { problem: Problem }) {
  const choices = corsTexts({ origin: location.origin, step: facts["step"], method: facts["method"] ?? "POST", headers, path: URL.parse(facts["url"] ?? "")?.pathname ?? "/mcp" });
  return <Copyable choices={choices} />;
}

// Where servers are usually found.
function OtherPaths({ url }: { url: string }) {
  const { client, say } = useActions();
  const here = URL.parse(url);
  if (!here) return null;
  return (
    <p class="choice">
      {["/mcp", "/sse"]
        .filter((path) => path !== here.pathname)
        .map((path) => (
          <button key={path} type="button" class="small" onClick={() => (client.setTarget({ url: `${here.origin}${path}` }), void client.connect())}>
            {say("help.try", { path })}
          </button>
        ))}
    </p>
  );
}

// A tab of its own says which of several causes it is.
function OwnTab({ url }: { url: string }) {
  const { say } = useActions();
  if (!/^https?:/.test(url)) return null;
  return (
    <p>
      <a href={url} target="_blank" rel="noopener noreferrer">
        {say("help.tab", { host: new URL(url).host })}
      </a>
    </p>
  );
}
