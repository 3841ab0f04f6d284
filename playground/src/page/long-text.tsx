// A long text, of which the rows in sight are fetched from the Web Worker.
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { LongText } from "../protocol.ts";
import { useActions } from "./context.ts";
import { saveFile } from "./save.ts";
import { useAnswer } from "./use-answer.ts";

/** Rows that are fetched above and below what is in sight. */
const MARGIN = 30;

/** The rows before the first were fetched. */
const NOTHING = { from: 0, rows: [] as string[], total: 0 };

const ROW_PIXELS = 20;

/** Pixels that a browser scrolls at most in one element, with a margin. */
const MAX_PIXELS = 8_000_000;

export function LongTextView({ text: { id, chars }, name }: { text: LongText; name: string }) {
  const { client, say } = useActions();
  const box = useRef<HTMLDivElement>(null);
  const [columns, setColumns] = useState(0);
  const [from, setFrom] = useState(0);
  const [wanted, setWanted] = useState("");
  const [found, setFound] = useState<number | null>();
  const count = Math.ceil((box.current?.clientHeight ?? 480) / ROW_PIXELS);
  const first = Math.max(0, from - MARGIN);
  const ask = () => client.ask("textRows", { id, columns, from: first, count: count + 2 * MARGIN }).then((rows) => ({ ...rows, from: first }));
  const { answer: shown = NOTHING, fault } = useAnswer(() => (columns === 0 ? undefined : ask()), [columns, from, count]);
  // A browser does not scroll without end: beyond, a pixel stands for more.
  const height = Math.min(shown.total * ROW_PIXELS, MAX_PIXELS);
  const ratio = shown.total * ROW_PIXELS > MAX_PIXELS ? (shown.total - count) / Math.max(1, height - count * ROW_PIXELS) : 1 / ROW_PIXELS;
  useLayoutEffect(() => {
    const measured = box.current;
    if (!measured) return;
    const measure = () => {
      const letter = measured.querySelector<HTMLElement>(".measure")?.getBoundingClientRect().width ?? 80;
      setColumns(Math.max(20, Math.floor((measured.clientWidth - 32) / (letter / 10))));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(measured);
    measure();
    return () => observer.disconnect();
  }, []);
  function scroll(top: number) {
    setFrom(Math.max(0, Math.min(shown.total - count, Math.floor(top * ratio))));
  }
  async function find(event: SubmitEvent) {
    event.preventDefault();
    const row = await client.ask("textFind", { id, text: wanted, from: found ?? -1 }).catch(() => null);
    setFound(row);
    if (row !== null && box.current) box.current.scrollTop = Math.max(0, (row - 3) / ratio);
  }
  if (fault) return <p class="note">{fault}</p>;
  return (
    <div class="held">
      <form class="row wrap" onSubmit={(event) => void find(event)}>
        <input class="field" type="search" aria-label={say("longText.find")} placeholder={say("longText.find")} value={wanted} onInput={(event) => (setWanted(event.currentTarget.value), setFound(undefined))} />
        <button type="submit" class="small">
          {say("longText.next")}
        </button>
        <button type="button" class="small" onClick={() => void client.ask("textFile", { id }).then((file) => saveFile(file, name))}>
          {say("result.save")}
        </button>
        <span class="note" role="status">
          {found === null ? say("list.nothingFound") : found !== undefined ? say("longText.row", { row: found + 1 }) : say("longText.size", { chars, rows: shown.total })}
        </span>
      </form>
      <div ref={box} class="window" role="region" aria-label={name} tabIndex={0} dir="ltr" onScroll={(event) => scroll(event.currentTarget.scrollTop)}>
        <span class="measure" aria-hidden="true">
          0000000000
        </span>
        <div style={{ height: `${height}px` }}>
          <div class="rows" style={{ transform: `translateY(${Math.max(0, shown.from / ratio)}px)` }}>
            {shown.rows.map((row, at) => (
              <div key={shown.from + at} class={shown.from + at === found ? "found" : undefined}>
                {row}
              </div>
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}
