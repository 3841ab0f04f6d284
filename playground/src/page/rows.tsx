// Rows of a list, of which those near what is in sight are drawn. They may be of any height.
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { BoundedMap } from "../bounded.ts";

/** Rows that are all drawn. */
const FEW = 100;

/** Pixels that are drawn above and below what is in sight. */
const MARGIN = 1000;

/** Height of a row that was not drawn yet, as long as none was. */
const GUESS = 90;

/** Heights that are kept: of all rows of the longest list, and of as many that it had before. */
const MAX_HEIGHTS = 20_000;

interface Props<Row extends { id: string }> {
  rows: Row[];
  /** A row that stays drawn, wherever it is. */
  chosen: string | undefined;
  draw: (row: Row) => JSX.Element;
}

export function Rows<Row extends { id: string }>({ rows, chosen, draw }: Props<Row>) {
  const list = useRef<HTMLUListElement>(null);
  const heights = useRef(new BoundedMap<string, number>(MAX_HEIGHTS));
  const focused = useRef<string | undefined>(undefined);
  const [[top, bottom], setSight] = useState([0, 1000]);
  const isLong = rows.length > FEW;
  // Scrolled is the list, or on a narrow window the page.
  useEffect(() => {
    if (!isLong) return;
    const look = () => {
      const box = list.current?.getBoundingClientRect();
      const pane = list.current?.parentElement?.getBoundingClientRect();
      if (!box || !pane) return;
      const next = [Math.max(0, pane.top) - box.top, Math.min(window.innerHeight, pane.bottom) - box.top] as const;
      setSight((before) => (Math.abs(before[0] - next[0]) + Math.abs(before[1] - next[1]) > 100 ? [...next] : before));
    };
    look();
    document.addEventListener("scroll", look, { capture: true, passive: true });
    window.addEventListener("resize", look);
    return () => {
      document.removeEventListener("scroll", look, { capture: true });
      window.removeEventListener("resize", look);
    };
  }, [isLong, rows.length]);
  useLayoutEffect(() => {
    if (!isLong) return;
    for (const row of list.current?.querySelectorAll<HTMLElement>("li[data-id]") ?? []) heights.current.set(row.dataset["id"] ?? "", row.offsetHeight);
  });
  const known = heights.current;
  const usual = known.size > 0 ? [...known.values()].reduce((sum, height) => sum + height, 0) / known.size : GUESS;
  const drawn: JSX.Element[] = [];
  let gap = 0;
  let place = 0;
  const close = (key: string) => {
    if (gap > 0) drawn.push(<li key={`gap ${key}`} class="gap" role="presentation" style={{ height: `${gap}px` }} />);
    gap = 0;
  };
  for (const [at, row] of rows.entries()) {
    const height = known.get(row.id) ?? usual;
    const isNear = place + height > top - MARGIN && place < bottom + MARGIN;
    place += height;
    if (isLong && !isNear && row.id !== chosen && row.id !== focused.current) {
      gap += height;
      continue;
    }
    close(row.id);
    drawn.push(
      <li key={row.id} data-id={row.id} {...(isLong ? { "aria-posinset": at + 1, "aria-setsize": rows.length } : {})} onFocusCapture={() => (focused.current = row.id)}>
        {draw(row)}
      </li>,
    );
  }
  close("");
  return <ul ref={list}>{drawn}</ul>;
}
