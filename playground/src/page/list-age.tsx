// The age of a list, and the button that fetches it anew.
import { useEffect, useState } from "preact/hooks";
import type { ListName } from "../protocol.ts";
import { useAppContext } from "./context.ts";

const UNITS = [["list.hours", 3_600_000], ["list.minutes", 60_000], ["list.seconds", 1000]] as const;

export function ListAge({ what }: { what: ListName }) {
  const { state, client, say } = useAppContext();
  const [, tick] = useState(0);
  useEffect(() => {
    const clock = setInterval(() => tick(Date.now()), 1000);
    return () => clearInterval(clock);
  }, []);
  const { at, ttlMs } = state.lists[what] ?? {};
  if (at === undefined || state.phase !== "connected") return null;
  const ms = Math.max(0, Date.now() - at);
  const [word, size] = UNITS.find(([, size]) => ms >= size) ?? UNITS[2];
  const isStale = ttlMs !== undefined && ms > ttlMs;
  return (
    <p class="row note">
      <span>{say(isStale ? "list.stale" : "list.age", { age: say(word, { count: Math.floor(ms / size) }) })}</span>
      <button type="button" class="link" onClick={() => void client.fetchAnew(what)}>
        {say("list.anew")}
      </button>
    </p>
  );
}
