// The relay of this deployment: the offer of it where a server's CORS lets no page in, the person's yes, and the sign-in that it takes.
import { useEffect, useState } from "preact/hooks";
import { isRelayed } from "../protocol.ts";
import { useShared } from "./context.ts";
import { OwnAccount, RESOURCE } from "./own-account.ts";
import { OwnSignIn } from "./own-sign-in.tsx";
import type { Page } from "./page.ts";

let kept: OwnAccount | undefined;

// As long as the page: the window of a sign-in may answer when this is no longer shown.
const keptAccount = (page: Page): OwnAccount => (kept ??= new OwnAccount("relay", (request) => page.askOwn(request)));

/** The offer, beside the help with a server that no page may read. Nothing of it happens without the person. */
export function RelayOffer() {
  const { state, say } = useShared();
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
  const { state, visitor, page, say } = useShared();
  const [isWanted, setWanted] = useState(false);
  const { origin, host } = new URL(state.target.url);
  function use() {
    const url = new URL("/playground/relay", location.href).href;
    visitor.setTarget({ relay: { of: origin, url, ...(state.relay?.signIn ? { resource: RESOURCE } : {}) } });
    void visitor.connect();
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
function SignedIn({ account, then }: { account: OwnAccount; then: () => void }) {
  const { say } = useShared();
  const [, redraw] = useState({});
  useEffect(() => {
    account.onChange = () => (account.isSignedIn ? then() : redraw({}));
    void account.admit();
    return () => {
      account.onChange = () => {};
    };
  }, []);
  return <OwnSignIn account={account} id="relay-sign-in" text={say("relay.signIn")} />;
}

/** The sign-in, where the relay no longer accepts the one before. */
export function RelaySignIn() {
  const { visitor, page } = useShared();
  return <SignedIn account={keptAccount(page)} then={() => void visitor.connect()} />;
}

/** Tells that requests to the server go through this deployment, and ends that. */
export function RelayNote() {
  const { state, visitor, say } = useShared();
  async function stop() {
    await visitor.disconnect();
    visitor.setTarget({ relay: undefined });
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
