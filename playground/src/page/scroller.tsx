// A long list of which only the rows in sight are drawn. Rows are of one height, but for those that are open.
import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { BoundedMap } from "../bounded.ts";

/** Rows that are all drawn. */
const FEW = 200;

/** Pixels that are drawn above and below what is in sight. */
const MARGIN = 600;

/** Open rows whose heights are kept: one that was dropped while it was open closes never. */
const MAX_OPEN = 1000;

/** Pixels that a browser scrolls at most in one element, with a margin. */
export const MAX_PIXELS = 8_000_000;

interface Props<Row> {
  label: string;
  rows: Row[];
  keyOf: (row: Row) => number;
  draw: (row: Row) => ComponentChildren;
  /** Has the row of that key in sight. */
  wanted?: number | undefined;
}

export function Scroller<Row>({ label, rows, keyOf, draw, wanted }: Props<Row>) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [, setMeasured] = useState(0);
  const height = useRef(40);
  /** Height of rows beyond the usual one, by their keys. */
  const extra = useRef(new BoundedMap<number, number>(MAX_OPEN));
  const first = useRef<number | undefined>(undefined);
  const visible = box.current?.clientHeight ?? 800;
  const all = rows.length <= FEW;
  const places = placesOf(rows, keyOf, height.current, extra.current);
  const [from, to] = all ? [0, rows.length] : [places.at(top - MARGIN), places.at(top + visible + MARGIN) + 1];
  // The contents of an open row may come later, and change its height.
  useLayoutEffect(() => {
    if (all) return;
    const remeasure = () => measure(box, height, extra.current) && setMeasured((times) => times + 1);
    const observer = new ResizeObserver(remeasure);
    for (const row of box.current?.querySelectorAll("li[data-key]") ?? []) observer.observe(row);
    return () => observer.disconnect();
  });
  // New rows come at the top: who reads further down stays there.
  useLayoutEffect(() => {
    const key = rows[0] && keyOf(rows[0]);
    const before = first.current;
    first.current = key;
    const scrolled = box.current;
    if (all || !scrolled || before === undefined || before === key || scrolled.scrollTop === 0) return;
    const at = rows.findIndex((row) => keyOf(row) === before);
    if (at > 0) scrolled.scrollTop += places.of(at);
  });
  useLayoutEffect(() => {
    const at = wanted === undefined ? -1 : rows.findIndex((row) => keyOf(row) === wanted);
    const scrolled = box.current;
    if (at < 0 || !scrolled) return;
    if (!all) scrolled.scrollTop = Math.max(0, places.of(at) - visible / 3);
    setTop(scrolled.scrollTop);
    requestAnimationFrame(() => {
      const row = scrolled.querySelector<HTMLElement>(`[data-key="${wanted}"] summary`);
      row?.scrollIntoView({ block: "nearest" });
      row?.focus({ preventScroll: true });
    });
  }, [wanted]);
  return (
    <div ref={box} class={all ? "scroller" : "scroller even"} role="region" aria-label={label} tabIndex={0} onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
      <ol style={{ height: all ? "auto" : `${places.height}px` }}>
        {!all && <li class="gap" role="presentation" style={{ height: `${places.of(from)}px` }} />}
        {rows.slice(from, to).map((row, at) => (
          <li key={keyOf(row)} data-key={keyOf(row)} aria-posinset={from + at + 1} aria-setsize={rows.length}>
            {draw(row)}
          </li>
        ))}
      </ol>
    </div>
  );
}

interface Places {
  height: number;
  /** The row at a height. */
  at: (top: number) => number;
  /** The height at which a row begins. */
  of: (at: number) => number;
}

function placesOf<Row>(rows: Row[], keyOf: (row: Row) => number, height: number, extra: Map<number, number>): Places {
  const higher = extra.size === 0 ? [] : [...extra].map(([key, more]) => ({ at: rows.findIndex((row) => keyOf(row) === key), more })).filter(({ at }) => at >= 0).sort((one, other) => one.at - other.at);
  const before = (at: number) => higher.reduce((sum, one) => (one.at < at ? sum + one.more : sum), 0);
  return {
    height: rows.length * height + before(rows.length),
    of: (at) => at * height + before(at),
    at(top) {
      let [low, high] = [0, rows.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (middle * height + before(middle) <= top) low = middle;
        else high = middle - 1;
      }
      return Math.max(0, low);
    },
  };
}

// Closed rows tell the height of all; open ones how much more they take.
function measure(box: RefObject<HTMLDivElement>, height: { current: number }, extra: Map<number, number>): boolean {
  let isChanged = false;
  let isMeasured = false;
  for (const row of box.current?.querySelectorAll<HTMLElement>("li[data-key]") ?? []) {
    const key = Number(row.dataset["key"]);
    const isOpen = row.querySelector("details[open]") !== null;
    const measured = row.getBoundingClientRect().height;
    if (!isOpen && !isMeasured && measured > 0) {
      isMeasured = true;
      if (Math.abs(measured - height.current) > 0.5) isChanged = true;
      height.current = measured;
    }
    const more = isOpen ? Math.max(0, measured - height.current) : 0;
    if (Math.abs((extra.get(key) ?? 0) - more) <= 0.5) continue;
    isChanged = true;
    if (more === 0) extra.delete(key);
    else extra.set(key, more);
  }
  return isChanged;
}
