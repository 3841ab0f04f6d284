// The state of the stream by which the server tells of changes.
import { useAppContext } from "./context.ts";

export function ListeningNote() {
  const { state, say } = useAppContext();
  const { state: stream, ms } = state.listening;
  return (
    <p class="note listening">
      {stream === "waiting" ? (ms === undefined ? say("listening.cut") : say("listening.waiting", { seconds: Math.ceil(ms / 1000) })) : say(`listening.${stream}`)}
    </p>
  );
}
