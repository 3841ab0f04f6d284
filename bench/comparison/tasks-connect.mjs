// Connecting and signing in, in both clients.
import { until } from "../../tests/support/wait.mjs";
import { Lacking } from "./hand.mjs";
import { guardedByScope, modernAlone, older, withoutCors } from "./servers.mjs";

const connects = (path) => async (hand, ours, other) => {
  await hand.fill(ours.page.getByLabel("Address"), other.url.replace(/\/mcp$/, path));
  await hand.click(ours.button("Connect"));
  await ours.button("Disconnect").waitFor();
};

const adds = (path, transport) => async (hand, theirs, other) => {
  await theirs.add(hand, other.url.replace(/\/mcp$/, path), transport);
  await hand.click(theirs.knob());
  await theirs.connected();
};

// Signed in, before what is counted.
async function signedInHere(hand, ours, other) {
  await ours.page.getByLabel("Address").fill(other.url);
  await ours.button("Connect").click();
  await ours.signedIn(hand);
}

async function signedInThere(hand, theirs, other) {
  await theirs.add(hand, other.url);
  await theirs.knob().click();
  await theirs.authorized(hand);
}

/** Whether the tokens of a sign-out are revoked, which may come after the page has said that it is done. */
async function revoked({ as }) {
  const came = await until(() => as.revoked.length > 0, "a revocation", { ms: 5_000 }).catch(() => false);
  return came ? "the tokens are revoked" : "the tokens are forgotten, and not revoked";
}

export const connecting = [
  {
    name: "Connect to the server that was deployed",
    on: "demo",
    fresh: true,
    playground: async (hand, ours) => {
      await hand.click(ours.button("Connect"));
      await ours.entry("add").waitFor();
    },
    inspector: adds("/mcp"),
  },
  { name: "Connect to another, of the versions with sessions", server: older, fresh: true, playground: connects("/mcp"), inspector: adds("/mcp") },
  {
    name: "Connect to another, of 2026-07-28 alone",
    server: modernAlone,
    fresh: true,
    playground: connects("/mcp"),
    inspector: async (hand, theirs, other) => {
      await theirs.add(hand, other.url);
      await hand.click(theirs.button("Settings").last());
      await hand.chooseDrawn(theirs.dialog.getByRole("textbox", { name: "Protocol Era" }), /^Auto/);
      await hand.click(theirs.dialog.getByRole("button", { name: "Close" }));
      await hand.click(theirs.knob());
      await theirs.connected();
    },
  },
  { name: "Connect over HTTP+SSE", on: "demo", fresh: true, playground: connects("/sse"), inspector: adds("/sse", "sse") },
  {
    name: "Connect to a server without CORS",
    server: withoutCors,
    fresh: true,
    playground: async (hand, ours, other) => {
      await hand.fill(ours.page.getByLabel("Address"), other.url);
      await hand.click(ours.button("Connect"));
      await ours.page.locator(".problem .copy pre").waitFor();
      throw new Lacking("a browser does not allow it; the headers that the server lacks are named, and a deployment can lend its relay");
    },
    inspector: adds("/mcp"),
  },
  {
    name: "Sign in, by registration",
    server: guardedByScope,
    fresh: true,
    playground: async (hand, ours, other) => {
      await hand.fill(ours.page.getByLabel("Address"), other.url);
      await hand.click(ours.button("Connect"));
      await ours.signedIn(hand);
    },
    inspector: async (hand, theirs, other) => {
      await theirs.add(hand, other.url);
      await hand.click(theirs.knob());
      await theirs.authorized(hand);
    },
  },
  {
    name: "Sign in once more for a tool that needs more (step-up)",
    server: guardedByScope,
    fresh: true,
    playground: async (hand, ours, other) => {
      await signedInHere(hand, ours, other);
      hand.begin();
      await ours.call(hand, "admin_only");
      await hand.click(ours.button("Sign in"));
      await ours.shows(/admin_only done/);
    },
    inspector: async (hand, theirs, other) => {
      await signedInThere(hand, theirs, other);
      await theirs.atTools();
      hand.begin();
      await theirs.call(hand, "admin_only");
      // The page leaves, and comes back.
      await Promise.all([theirs.page.waitForEvent("load"), hand.click(theirs.button("Authorize"))]);
      await theirs.connected();
      if (!(await theirs.shown(theirs.tools.getByText(/admin_only done/)))) await hand.click(theirs.button("Execute Tool"));
      await theirs.shows(/admin_only done/);
    },
  },
  {
    name: "Sign out",
    server: guardedByScope,
    fresh: true,
    playground: async (hand, ours, other) => {
      await signedInHere(hand, ours, other);
      hand.begin();
      await hand.click(ours.button("Sign out"));
      await ours.button("Connect").waitFor();
      return revoked(other);
    },
    inspector: async (hand, theirs, other) => {
      await signedInThere(hand, theirs, other);
      hand.begin();
      await hand.click(theirs.button("Connection Info"));
      await hand.click(theirs.button("Clear OAuth state and disconnect"));
      await theirs.page.getByText("OAuth state cleared").waitFor();
      return revoked(other);
    },
  },
];
