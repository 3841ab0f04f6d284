// Watching a resource: the button for it, and the note that it has changed.
import { useAppContext } from "./context.ts";

export function Watch({ uri, onRead }: { uri: string; onRead: () => void }) {
  const { state, client, say } = useAppContext();
  const canWatch = (state.info?.capabilities["resources"] as { subscribe?: unknown } | undefined)?.subscribe === true;
  const isWatched = state.watched.includes(uri);
  const { listening } = state;
  const isUntold = isWatched && state.info?.era === "modern" && listening.state === "open" && !listening.uris?.includes(uri);
  return (
    <>
      {canWatch && (
        <p>
          <button type="button" class="small" aria-pressed={isWatched} onClick={() => void client.watch(uri, !isWatched)}>
            {say("resource.watch")}
          </button>{" "}
          {isUntold && <span class="note">{say("resource.untold")}</span>}
        </p>
      )}
      {state.updated.includes(uri) && (
        <p class="warning">
          {say("resource.changed")}{" "}
          <button type="button" class="link" onClick={onRead}>
            {say("resource.again")}
          </button>
        </p>
      )}
    </>
  );
}
