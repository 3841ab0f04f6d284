// The icon of a server or of what it offers, or the first letters of its name.
import { useEffect, useState } from "preact/hooks";
import { useAppContext } from "./context.ts";

/** Stands before a name that is written out. */
export function Icon({ icons, title }: { icons: unknown; title: string }) {
  const { state } = useAppContext();
  const [source, setSource] = useState<string>();
  const { url } = state.target;
  const wanted = JSON.stringify(icons);
  useEffect(() => {
    let isCurrent = true;
    setSource(undefined);
    void import("./icon-source.ts")
      .then(({ iconSource }) => iconSource(icons, url))
      .then((found) => isCurrent && setSource(found), () => {});
    return () => {
      isCurrent = false;
    };
  }, [wanted, url]);
  if (source !== undefined) return <img class="icon" src={source} alt="" onError={() => setSource(undefined)} />;
  return (
    <span class="icon" aria-hidden="true">
      {[...title.trim()].slice(0, 2).join("").toUpperCase()}
    </span>
  );
}

export const hasIcons = ({ icons }: { icons?: unknown }): boolean => Array.isArray(icons) && icons.length > 0;
