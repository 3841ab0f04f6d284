// The relay of this deployment: the offer of it where a server's CORS lets no page in, the person's yes, and the sign-in that it takes.
import { useEffect, useState } from "preact/hooks";
import { isRelayed } from "../protocol.ts";
import { useAppContext } from "./context.ts";
import { DeploymentSignIn, RESOURCE } from "./deployment-sign-in.ts";
import { DeploymentSignInCard } from "./deployment-sign-in-card.tsx";
import type { Page } from "./page.ts";

let kept: DeploymentSignIn | undefined;

// As long as the page: the window of a sign-in may answer when this is no longer shown.
const keptAccount = (page: Page): DeploymentSignIn => (kept ??= new DeploymentSignIn("relay", (request) => page.askDeployment(request)));

/** The offer, beside the help with a server that no page may read. Nothing of it happens without the person. */
export function RelayOffer() {
  const { state, say } = useAppContext();
  const [isOpen, setOpen] = useState(false);
  if (!state.relay || isRelayed(state.target)) return null;
  if (isOpen) return <Consent close={() => setOpen(false)} />;
  return (
    <p class="choice">
      <button type="button" class="button plain" onClick={() => setOpen(true)}>
        {say("relay.open")}
      </button>
    </p>
  );
}

function Consent({ close }: { close: () => void }) {
  const { state, client, page, say } = useAppContext();
  const [isWanted, setWanted] = useState(false);
  const { origin, host } = new URL(state.target.url);
  function use() {
    const url = new URL("/playground/relay", location.href).href;
    client.setTarget({ relay: { of: origin, url, ...(state.relay?.signIn ? { resource: RESOURCE } : {}) } });
    void client.connect();
  }
  return (
    <section class="card" aria-labelledby="relay-heading">
      <h3 id="relay-heading" tabIndex={-1} ref={focusOnce}>
        {say("relay.heading", { host })}
      </h3>
      <p>{say("relay.text", { host, own: location.host })}</p>
      <p class="choice">
        <button type="button" class="button" disabled={isWanted} onClick={() => (state.relay?.signIn ? setWanted(true) : use())}>
          {say("relay.yes", { host })}
        </button>
        <button type="button" class="button plain" onClick={close}>
          {say("relay.no")}
        </button>
      </p>
      {isWanted && <SignedIn account={keptAccount(page)} then={use} />}
    </section>
  );
}

const focused = new WeakSet<HTMLElement>();

function focusOnce(element: HTMLElement | null): void {
  if (!element || focused.has(element)) return;
  focused.add(element);
  element.focus();
}

/** Has the person sign in to this deployment for the relay, where that is needed. */
function SignedIn({ account, then }: { account: DeploymentSignIn; then: () => void }) {
  const { say } = useAppContext();
  const [, redraw] = useState({});
  useEffect(() => {
    account.onChange = () => (account.isSignedIn ? then() : redraw({}));
    void account.admit();
    return () => {
      account.onChange = () => {};
    };
  }, []);
  return <DeploymentSignInCard account={account} id="relay-sign-in" text={say("relay.signIn")} />;
}

/** The sign-in, where the relay no longer accepts the one before. */
export function RelaySignIn() {
  const { client, page } = useAppContext();
  return <SignedIn account={keptAccount(page)} then={() => void client.connect()} />;
}

/** Tells that requests to the server go through this deployment, and ends that. */
export function RelayNote() {
  const { state, client, say } = useAppContext();
  async function stop() {
    await client.disconnect();
    client.setTarget({ relay: undefined });
  }
  return (
    <p class="note">
      {say("relay.on", { host: new URL(state.target.url).host, own: location.host })}{" "}
      <button type="button" class="link" onClick={() => void stop()}>
        {say("relay.stop")}
      </button>
    </p>
  );
}
