// A list of which the rows near what is in sight are drawn. They may be of any height.
import type { ComponentChildren, JSX, RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { BoundedMap } from "../bounded.ts";

type Key = string | number;

/** Rows that are all drawn. */
const FEW = 100;

/** Pixels that are drawn above and below what is in sight. */
const MARGIN = 600;

/** Height of rows until the first of them were measured. */
const GUESS = 60;

/** Heights that are kept, of rows that are higher or lower than usual. */
const MAX_HEIGHTS = 20_000;

export interface Props<Row> {
  rows: readonly Row[];
  keyOf: (row: Row) => Key;
  draw: (row: Row) => ComponentChildren;
  /** Names the list, which then has a box of its own to scroll in. Without, it scrolls with the element that it is in, or the page. */
  label?: string;
  /** A class of that box. */
  kind?: string;
  /** The row that stays drawn, wherever it is. */
  chosen?: Key | undefined;
  /** Brings the row of that key into sight. */
  wanted?: Key | undefined;
}

export function VirtualList<Row>({ rows, keyOf, draw, label, kind = "", chosen, wanted }: Props<Row>) {
  const list = useRef<HTMLElement>(null);
  const heights = useRef(new RowHeights());
  const focused = useRef<string | undefined>(undefined);
  /** The first row in sight, and the pixels of it that are above. */
  const anchor = useRef<{ key: Key; above: number } | undefined>(undefined);
  const [[top, bottom], setSight] = useState([0, 1000]);
  const [version, setVersion] = useState(0);
  const isLong = rows.length > FEW;
  const offsets = useMemo(() => heights.current.offsetsOf(isLong ? rows : [], keyOf), [rows, version, isLong]);
  const now = useRef({ rows, offsets, look: () => {} });
  now.current.rows = rows;
  now.current.offsets = offsets;
  useEffect(() => {
    if (!isLong) return;
    const look = () => {
      const box = list.current?.getBoundingClientRect();
      const pane = list.current?.parentElement;
      if (!box || !pane) return;
      const around = pane.getBoundingClientRect();
      const next = [Math.max(0, around.top) - box.top, Math.min(window.innerHeight, around.bottom) - box.top] as const;
      setSight((before) => (Math.abs(before[0] - next[0]) + Math.abs(before[1] - next[1]) > 100 ? [...next] : before));
      const { rows, offsets } = now.current;
      const at = rowAt(offsets, pane.scrollTop);
      const row = rows[at];
      anchor.current = row === undefined || pane.scrollTop === 0 ? undefined : { key: keyOf(row), above: pane.scrollTop - (offsets[at] ?? 0) };
    };
    now.current.look = look;
    look();
    document.addEventListener("scroll", look, { capture: true, passive: true });
    window.addEventListener("resize", look);
    return () => {
      document.removeEventListener("scroll", look, { capture: true });
      window.removeEventListener("resize", look);
    };
  }, [isLong, rows.length]);
  // What an open row shows may come later, and change its height.
  useLayoutEffect(() => {
    if (!isLong) return;
    const observer = new ResizeObserver(() => heights.current.measure(list) && setVersion((version) => version + 1));
    for (const row of rowsOf(list)) observer.observe(row);
    return () => observer.disconnect();
  });
  // Rows that come above, or turn out to be higher, do not move what is read. Where a list has no box of its own, browsers see to that.
  useLayoutEffect(() => {
    const box = label === undefined ? undefined : list.current?.parentElement;
    if (!box || !anchor.current || !isLong) return;
    const { key, above } = anchor.current;
    const at = rows.findIndex((row) => keyOf(row) === key);
    if (at >= 0 && Math.abs(box.scrollTop - (offsets[at] ?? 0) - above) > 0.5) box.scrollTop = (offsets[at] ?? 0) + above;
  }, [rows, offsets]);
  useLayoutEffect(() => {
    const at = wanted === undefined ? -1 : rows.findIndex((row) => keyOf(row) === wanted);
    const box = list.current?.parentElement;
    if (at < 0 || !box) return;
    if (isLong) box.scrollTop = Math.max(0, (offsets[at] ?? 0) - box.clientHeight / 3);
    now.current.look();
    requestAnimationFrame(() => {
      const row = list.current?.querySelector<HTMLElement>(`:scope > [data-key="${CSS.escape(String(wanted))}"] :is(summary, button)`);
      row?.scrollIntoView({ block: "nearest" });
      row?.focus({ preventScroll: true });
    });
  }, [wanted]);
  const drawn: JSX.Element[] = [];
  let end = 0;
  const gapTo = (at: number) => {
    const height = (offsets[at] ?? 0) - (offsets[end] ?? 0);
    if (at > end) drawn.push(<li key={`gap ${end}`} class="gap" role="presentation" style={{ height: `${height}px` }} />);
  };
  const [from, to] = isLong ? [rowAt(offsets, top - MARGIN), rowAt(offsets, bottom + MARGIN) + 1] : [0, rows.length];
  for (const [at, row] of rows.entries()) {
    const key = keyOf(row);
    if ((at < from || at >= to) && key !== chosen && String(key) !== focused.current) continue;
    gapTo(at);
    end = at + 1;
    drawn.push(
      <li key={key} data-key={key} {...(isLong ? { "aria-posinset": at + 1, "aria-setsize": rows.length } : {})} onFocusCapture={() => (focused.current = String(key))}>
        {draw(row)}
      </li>,
    );
  }
  if (isLong) gapTo(rows.length);
  if (label === undefined) return <ul ref={list as RefObject<HTMLUListElement>}>{drawn}</ul>;
  return (
    <div class={`scroller ${kind}`} role="region" aria-label={label} tabIndex={0}>
      <ol ref={list as RefObject<HTMLOListElement>}>{drawn}</ol>
    </div>
  );
}

const rowsOf = (list: RefObject<HTMLElement>): Iterable<HTMLElement> => list.current?.querySelectorAll<HTMLElement>(":scope > [data-key]") ?? [];

/** The row at a height. */
function rowAt(offsets: Float64Array, top: number): number {
  let [low, high] = [0, Math.max(0, offsets.length - 2)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] ?? 0) <= top) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Heights of rows, as far as they were drawn: of others it is known what is usual. */
class RowHeights {
  #usual: number | undefined;
  #others = new BoundedMap<string, number>(MAX_HEIGHTS);

  /** The height at which each row begins, and at which the last one ends. */
  offsetsOf<Row>(rows: readonly Row[], keyOf: (row: Row) => Key): Float64Array {
    const usual = this.#usual ?? GUESS;
    const offsets = new Float64Array(rows.length + 1);
    for (const [at, row] of rows.entries()) offsets[at + 1] = (offsets[at] ?? 0) + (this.#others.size === 0 ? usual : (this.#others.get(String(keyOf(row))) ?? usual));
    return offsets;
  }

  /** Measures what is drawn; whether something of it has another height than was known. */
  measure(list: RefObject<HTMLElement>): boolean {
    const measured = [...rowsOf(list)].map((row) => [row.dataset["key"] ?? "", row.getBoundingClientRect().height] as const).filter(([, height]) => height > 0);
    let isChanged = this.#usual === undefined && measured.length > 0;
    this.#usual ??= measured.map(([, height]) => height).sort((one, other) => one - other)[measured.length >> 1];
    for (const [key, height] of measured) {
      const usual = this.#usual ?? GUESS;
      if (Math.abs((this.#others.get(key) ?? usual) - height) <= 0.5) continue;
      isChanged = true;
      if (Math.abs(height - usual) <= 0.5) this.#others.delete(key);
      else this.#others.set(key, height);
    }
    return isChanged;
  }
}
