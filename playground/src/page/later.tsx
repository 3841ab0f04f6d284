// Views whose code is loaded when they are first shown.
import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useActions, useAppContext } from "./context.ts";
import { loadLater } from "./language.ts";

/**
 * A view of a module that is loaded on its first use. Where the deployment was replaced while the page was open, its files are gone:
 * then `Outdated` offers a reload, unless the view is one that may be missing.
 */
export function later<Props extends object>(load: () => Promise<ComponentType<Props>>, isQuiet = false): (props: Props) => JSX.Element | null {
  let View: ComponentType<Props> | undefined;
  return function Later(props: Props) {
    const { page, say } = useActions();
    const [state, setState] = useState<"loading" | "there" | "failed">(View ? "there" : "loading");
    useEffect(() => {
      if (View) return;
      Promise.all([load(), loadLater(page.state.language)]).then(
        ([loaded]) => {
          View = loaded;
          setState("there");
        },
        () => {
          setState("failed");
          if (!isQuiet) page.outdate();
        },
      );
    }, []);
    if (View) return <View {...props} />;
    if (isQuiet) return null;
    if (state === "loading") return <p class="note">{say("later.loading")}</p>;
    return <p class="fault">{say("later.missing")}</p>;
  };
}

/** The one offer to reload, however much is missing. What was typed is there afterwards. */
export function Outdated() {
  const { state, say } = useAppContext();
  if (!state.isOutdated) return null;
  return (
    <div class="problem" role="alert">
      <p>
        <b>{say("later.failed")}</b>
      </p>
      <p>{say("later.kept")}</p>
      <button type="button" class="button plain" onClick={() => location.reload()}>
        {say("later.reload")}
      </button>
    </div>
  );
}
