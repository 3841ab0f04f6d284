// Text with Markdown, drawn from its tree. Where a link leads stands behind it.
import type { ComponentChildren } from "preact";
import { type Block, type Inline, blocksOf, looksMarked } from "../markdown.ts";
import { visible } from "../visible.ts";
import { useActions } from "./context.ts";

/** Levels of headings of the page above the text. */
const ABOVE = 4;

export function Markdown({ text }: { text: string }) {
  const level = levels();
  return (
    <div class="markdown" dir="auto">
      {blocksOf(text).map((block, at) => (
        <BlockView key={at} block={block} level={level} />
      ))}
    </div>
  );
}

/** The switch between a text as it is and the Markdown that it seems to be. */
export function MarkdownSwitch({ text, isMarked, onChange }: { text: string; isMarked: boolean; onChange: (isMarked: boolean) => void }) {
  const { say } = useActions();
  if (!looksMarked(text)) return null;
  return (
    <div class="sides" role="group" aria-label={say("markdown.sides")}>
      {[false, true].map((side) => (
        <button key={String(side)} type="button" class="small" aria-pressed={side === isMarked} onClick={() => onChange(side)}>
          {say(side ? "markdown.marked" : "markdown.plain")}
        </button>
      ))}
    </div>
  );
}

// Headings follow each other without a gap, whatever the text has.
function levels(): (level: number) => number {
  const open: number[] = [];
  return (level) => {
    while (open.length > 0 && (open.at(-1) ?? 0) >= level) open.pop();
    open.push(level);
    return Math.min(ABOVE + open.length, 6);
  };
}

function BlockView({ block, level }: { block: Block; level: (level: number) => number }) {
  const { say } = useActions();
  const all = (blocks: Block[]) => blocks.map((inner, at) => <BlockView key={at} block={inner} level={level} />);
  switch (block.kind) {
    case "heading":
      return (
        <p class="marked" role="heading" aria-level={level(block.level)} dir="auto">
          <Inlines of={block.of} />
        </p>
      );
    case "paragraph":
      return (
        <p dir="auto">
          <Inlines of={block.of} />
        </p>
      );
    case "code":
      return (
        <pre tabIndex={0} dir="ltr">
          <code>{block.text}</code>
        </pre>
      );
    case "quote":
      return <blockquote>{all(block.of)}</blockquote>;
    case "list": {
      const items = block.items.map((item, at) => <li key={at}>{all(item)}</li>);
      return block.start === undefined ? <ul>{items}</ul> : <ol start={block.start}>{items}</ol>;
    }
    case "table":
      return (
        <div class="wide" tabIndex={0} role="region" aria-label={say("markdown.table")}>
          <table>
            <thead>
              <tr>
                {block.head.map((cell, at) => (
                  <th key={at} scope="col" class={block.align[at]}>
                    <Inlines of={cell} />
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {block.rows.map((row, at) => (
                <tr key={at}>
                  {row.map((cell, at) => (
                    <td key={at} class={block.align[at]}>
                      <Inlines of={cell} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
    case "rule":
      return <hr />;
  }
}

function Inlines({ of }: { of: Inline[] }): ComponentChildren {
  return of.map((inline, at) => <InlineView key={at} inline={inline} />);
}

function InlineView({ inline }: { inline: Inline }) {
  const { say } = useActions();
  switch (inline.kind) {
    case "text":
      return <>{inline.text}</>;
    case "code":
      return <code>{inline.text}</code>;
    case "strong":
      return (
        <strong>
          <Inlines of={inline.of} />
        </strong>
      );
    case "emphasis":
      return (
        <em>
          <Inlines of={inline.of} />
        </em>
      );
    case "deleted":
      return (
        <del>
          <Inlines of={inline.of} />
        </del>
      );
    case "link":
      return (
        <Elsewhere href={inline.href}>
          <Inlines of={inline.of} />
        </Elsewhere>
      );
    case "image":
      return <Elsewhere href={inline.href}>{say("markdown.image", { name: inline.text })}</Elsewhere>;
    case "break":
      return <br />;
  }
}

// The text of a link is its writer's: the host is beside it.
function Elsewhere({ href, children }: { href: string; children: ComponentChildren }) {
  const { host, pathname, protocol } = new URL(href);
  return (
    <>
      <a href={href} target="_blank" rel="noopener noreferrer">
        {children}
      </a>{" "}
      <span class="note" dir="ltr">
        ({visible(protocol === "mailto:" ? pathname : host)})
      </span>
    </>
  );
}
