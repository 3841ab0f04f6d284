// Views whose code is loaded when they are first shown.
import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useShared } from "./context.ts";
import { loadLater } from "./language.ts";

/**
 * A view of a module that is loaded on its first use. Where the deployment was replaced while the page was open, its files are gone:
 * then a reload is offered, unless the view is one that may be missing.
 */
export function later<Props extends object>(load: () => Promise<ComponentType<Props>>, isQuiet = false): (props: Props) => JSX.Element | null {
  let View: ComponentType<Props> | undefined;
  return function Later(props: Props) {
    const { state: page, say } = useShared();
    const [state, setState] = useState<"loading" | "there" | "failed">(View ? "there" : "loading");
    useEffect(() => {
      if (View) return;
      Promise.all([load(), loadLater(page.language)]).then(
        ([loaded]) => {
          View = loaded;
          setState("there");
        },
        () => setState("failed"),
      );
    }, []);
    if (View) return <View {...props} />;
    if (isQuiet) return null;
    if (state === "loading") return <p class="note">{say("later.loading")}</p>;
    return (
      <div class="problem" role="alert">
        <p>
          <b>{say("later.failed")}</b>
        </p>
        <button type="button" onClick={() => location.reload()}>
          {say("later.reload")}
        </button>
      </div>
    );
  };
}
