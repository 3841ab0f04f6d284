// The page that an authorization server sends people back to. It hands the answer to the page that asked, and closes.
const CHANNEL = "playground sign-in";
const RETURN_KEY = "playground return";

/** For so long an open page may take the answer; without one, this tab is the one that left. */
const WAIT_MS = 1500;

const parameters = [...new URLSearchParams(location.search)];
const state = new URLSearchParams(location.search).get("state");
// A code does not stay in the history.
history.replaceState(null, "", location.pathname);

const channel = new BroadcastChannel(CHANNEL);
const timer = setTimeout(comeBack, WAIT_MS);
channel.addEventListener("message", ({ data }: MessageEvent<{ taken?: unknown }>) => {
  if (data?.taken !== state) return;
  clearTimeout(timer);
  window.close();
});
channel.postMessage({ parameters });

function comeBack(): void {
  try {
    const left = JSON.parse(sessionStorage.getItem(RETURN_KEY) ?? "null") as { target: unknown } | null;
    if (!left) return;
    sessionStorage.setItem(RETURN_KEY, JSON.stringify({ ...left, parameters }));
  } catch {
    return;
  }
  location.replace("/playground");
}
