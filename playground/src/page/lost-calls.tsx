// Calls that ended because the page was left while they asked: the next page of the tab says so.
import { useEffect, useState } from "preact/hooks";
import { useActions } from "./context.ts";
import { attempt } from "./language.ts";

const KEY = "playground lost";

interface LostCall {
  name: string;
  round: number;
}

export function LostCalls() {
  const { page, say } = useActions();
  const [lost, setLost] = useState(taken);
  useEffect(() => {
    const keep = () => {
      // A task goes on without the page.
      const asking = page.clients.flatMap((client) => client.state.questions.filter(({ task }) => task === undefined).map((question) => ({ client, ...question })));
      const calls = asking.map(({ client, call, round }): LostCall => ({ name: client.nameOf(call) ?? "", round: round?.number ?? 1 }));
      if (calls.length > 0) attempt(() => sessionStorage.setItem(KEY, JSON.stringify(calls)));
    };
    window.addEventListener("pagehide", keep);
    window.addEventListener("pageshow", taken);
    return () => {
      window.removeEventListener("pagehide", keep);
      window.removeEventListener("pageshow", taken);
    };
  }, []);
  const [first] = lost;
  if (!first) return null;
  return (
    <div class="warning" role="alert">
      <p dir="auto">{say("question.lost", { ...first })}</p>
      <button type="button" class="small" onClick={() => setLost([])}>
        {say("question.lost.close")}
      </button>
    </div>
  );
}

// Once: a reload without questions has lost nothing.
function taken(): LostCall[] {
  const text = attempt(() => sessionStorage.getItem(KEY));
  attempt(() => sessionStorage.removeItem(KEY));
  return attempt(() => JSON.parse(text ?? "[]") as LostCall[]) ?? [];
}
