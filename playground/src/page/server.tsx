// The server: its address, how it is spoken to, and what it says of itself.
import { useState } from "preact/hooks";
import { addressOf, isHeaderAllowed } from "../address.ts";
import { isRelayed } from "../protocol.ts";
import { useActions, useAppContext } from "./context.ts";
import { JsonBlock } from "./json-block.tsx";
import { later } from "./later.tsx";
import { LazyDetails } from "./lazy-details.tsx";
import { Icon, hasIcons } from "./icon.tsx";
import { ProblemNote } from "./problem.tsx";

const SignInCard = later(async () => (await import("./sign-in.tsx")).SignInCard);
const ListeningNote = later(async () => (await import("./connected.ts")).ListeningNote, true);

const RelayNote = later(async () => (await import("./relay.tsx")).RelayNote);
const ServerSwitcher = later(async () => (await import("./server-switcher.tsx")).ServerSwitcher);
const Roots = later(async () => (await import("./roots.tsx")).Roots);
const Options = later(async () => (await import("./options.tsx")).Options);
const SavedServers = later(async () => (await import("./saved-servers.tsx")).SavedServers);
const ServerCopies = later(async () => (await import("./copies.tsx")).ServerCopies);

export function Server() {
  const { state, client, page, say } = useAppContext();
  return (
    <section class="server" aria-labelledby="server-heading">
      <h2 id="server-heading">{say("server.heading")}</h2>
      {page.clients.length > 1 && <ServerSwitcher />}
      <ServerForm key={state.shown} />
      {isRelayed(state.target) && <RelayNote key={`relay ${state.shown}`} />}
      {state.target.offers.roots && <Folders key={`folders ${state.shown}`} />}
      {state.problem && !state.signIn && <ProblemNote problem={state.problem} />}
      {state.signIn && <SignInCard />}
      {state.lost !== undefined && (
        <div class="warning" role="alert">
          <p>{say("server.lost", { seconds: state.lost })}</p>
          <button type="button" class="button plain" onClick={() => client.retry()}>
            {say("server.retry")}
          </button>
        </div>
      )}
      {state.notice && <p class="note">{say(state.notice)}</p>}
      {state.storage && (
        <p class="warning" role="status">
          {say(`saved.${state.storage}`)}
        </p>
      )}
      <SavedServer />
      {state.info && <Description key={state.shown} />}
    </section>
  );
}

function SavedServer() {
  const { state, say } = useAppContext();
  const count = state.servers.length;
  const [isOpen, setOpen] = useState(count > 0);
  return (
    <details class="saved" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{say("saved.heading", { count })}</summary>
      {isOpen && <SavedServers />}
    </details>
  );
}

function ServerForm() {
  const { state, client, page, say } = useAppContext();
  const [fault, setFault] = useState<string>();
  const { target, phase, typed } = state;
  function connect(event: SubmitEvent) {
    event.preventDefault();
    const read = addressOf(typed ?? target.url);
    if ("fault" in read) return setFault(say(`address.${read.fault}`));
    const forbidden = target.headers.find(([name, value]) => !isHeaderAllowed(name, value));
    if (forbidden) return setFault(say("server.header.forbidden", { name: forbidden[0] }));
    setFault(undefined);
    client.setTarget({ url: read.url });
    void client.connect();
  }
  return (
    <form onSubmit={connect} noValidate>
      <label for="address">{say("server.address")}</label>
      <input
        id="address"
        class="field"
        type="text"
        inputMode="url"
        autocomplete="url"
        spellcheck={false}
        value={typed ?? target.url}
        disabled={phase !== "idle"}
        aria-invalid={fault !== undefined}
        aria-describedby={fault ? "address-fault" : undefined}
        onInput={(event) => client.type(event.currentTarget.value)}
      />
      {fault && (
        <p id="address-fault" class="fault" role="alert">
          {fault}
        </p>
      )}
      {state.isLinked && <p class="warning">{say("server.linked", { host: new URL(target.url).host })}</p>}
      {phase === "idle" && <OptionsPart />}
      <p class="choice">
        {phase === "idle" && (
          <button type="submit" class="button">
            {say("server.connect")}
          </button>
        )}
        {phase !== "idle" && (
          <button type="button" class="button plain" onClick={() => void client.disconnect()}>
            {say(phase === "connecting" ? "server.stop" : "server.disconnect")}
          </button>
        )}
        {phase === "connecting" && <span role="status">{say("server.connecting")}</span>}
        {phase === "connected" && state.isSignedIn && (
          <button type="button" class="link" onClick={() => void client.signOut()}>
            {say("signIn.out")}
          </button>
        )}
        <button type="button" class="link" onClick={() => void page.open()}>
          {say("server.another")}
        </button>
      </p>
    </form>
  );
}

function Folders() {
  const { state, say } = useAppContext();
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{say("roots.heading", { count: state.target.roots.length })}</summary>
      {isOpen && <Roots />}
    </details>
  );
}

function OptionsPart() {
  const { say } = useActions();
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{say("server.options")}</summary>
      {isOpen && <Options />}
    </details>
  );
}

function Description() {
  const { state, say } = useAppContext();
  const info = state.info;
  if (!info) return null;
  return (
    <div class="facts">
      <h3 dir="auto">
        {hasIcons(info) && <Icon icons={info.icons} title={info.title ?? info.name} />} {info.title ?? info.name}
      </h3>
      <p class="note" dir="auto">
        {[info.name, info.version].filter(Boolean).join(" ")} · {new URL(state.target.url).host}
      </p>
      <p>
        <span class="tag">{info.protocol}</span> <span class="tag">{info.transport === "sse" ? "HTTP+SSE" : "Streamable HTTP"}</span>
      </p>
      <ListeningNote />
      {info.instructions && (
        <details>
          <summary>{say("server.instructions")}</summary>
          <p class="text" dir="auto">
            {info.instructions}
          </p>
        </details>
      )}
      <details>
        <summary>{say("server.capabilities")}</summary>
        <JsonBlock value={info.capabilities} />
      </details>
      <LazyDetails heading={say("copy.server")}>{() => <ServerCopies />}</LazyDetails>
    </div>
  );
}
