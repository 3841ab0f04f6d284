// Markdown, as models and servers write it: a part of CommonMark with the tables of GitHub. It becomes a tree, and never markup: HTML
// stays text, and addresses are those of the web and of mail alone.

export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "emphasis" | "deleted"; of: Inline[] }
  | { kind: "link"; href: string; of: Inline[] }
  /** An image elsewhere, which nothing loads. */
  | { kind: "image"; href: string; text: string }
  | { kind: "break" };

export type Align = "left" | "center" | "right" | undefined;

export type Block =
  | { kind: "heading"; level: number; of: Inline[] }
  | { kind: "paragraph"; of: Inline[] }
  | { kind: "code"; language: string; text: string }
  | { kind: "quote"; of: Block[] }
  | { kind: "list"; start: number | undefined; items: Block[][] }
  | { kind: "table"; align: Align[]; head: Inline[][]; rows: Inline[][][] }
  | { kind: "rule" };

/** Quotes and lists in each other. */
const MAX_DEPTH = 12;

/** Characters of one paragraph that are looked through for marks. */
const MAX_INLINE_CHARS = 20_000;

/** Whether a text has signs of Markdown. */
export const looksMarked = (text: string): boolean => /^ {0,3}(#{1,6} |[-*+] |\d{1,9}[.)] |> |```|~~~|\|.*\|)|\*\*|__|`[^`]|\]\(/m.test(text);

export function blocksOf(text: string): Block[] {
  return new Reader(text.replaceAll("\t", "    ").split(/\r\n|\n|\r/), 0).blocks();
}

/** Characters of a line that may be a fence, a rule, or stand below the head of a table. */
const MAX_MARK_CHARS = 1000;

const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?: (.*))?$/;
const RULE = /^ {0,3}(?:(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,})$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?: +(.*)| *)$/;
const DIVIDER = /^ {0,3}\|? *:?-+:? *(?:\| *:?-+:? *)*\|? *$/;

class Reader {
  #lines: string[];
  #depth: number;
  #at = 0;

  constructor(lines: string[], depth: number) {
    this.#lines = lines;
    this.#depth = depth;
  }

  blocks(): Block[] {
    const found: Block[] = [];
    while (this.#at < this.#lines.length) {
      if (this.#line.trim() === "") this.#at++;
      else found.push(this.#block());
    }
    return found;
  }

  get #line(): string {
    return this.#lines[this.#at] ?? "";
  }

  #block(): Block {
    const line = this.#line;
    const fence = short(line) && FENCE.exec(line);
    if (fence) return this.#code(fence[1] ?? "", (fence[2] ?? "").trim().split(/\s/)[0] ?? "");
    const heading = HEADING.exec(line);
    if (heading) {
      this.#at++;
      return { kind: "heading", level: (heading[1] ?? "").length, of: inlinesOf((heading[2] ?? "").trim().replace(/(^|\s)#+$/, "")) };
    }
    if (isRule(line)) {
      this.#at++;
      return { kind: "rule" };
    }
    if (this.#depth < MAX_DEPTH && QUOTE.test(line)) return this.#quote();
    if (this.#depth < MAX_DEPTH && ITEM.test(line)) return this.#list();
    if (this.#isTable) return this.#table();
    return this.#paragraph();
  }

  #code(fence: string, language: string): Block {
    const end = new RegExp(`^ {0,3}\\${fence[0]}{${fence.length},} *$`);
    const lines: string[] = [];
    for (this.#at++; this.#at < this.#lines.length && !end.test(this.#line); this.#at++) lines.push(this.#line);
    this.#at++;
    return { kind: "code", language, text: lines.join("\n") };
  }

  #quote(): Block {
    const lines: string[] = [];
    for (let match = QUOTE.exec(this.#line); match; match = QUOTE.exec(this.#line)) {
      lines.push(match[1] ?? "");
      this.#at++;
      if (this.#at >= this.#lines.length) break;
    }
    return { kind: "quote", of: this.#nested(lines) };
  }

  // An item goes on with lines that are further in, and with lines of its paragraph.
  #list(): Block {
    const [, , first = ""] = ITEM.exec(this.#line) ?? [];
    const isNumbered = /\d/.test(first);
    const items: Block[][] = [];
    while (this.#at < this.#lines.length) {
      const match = ITEM.exec(this.#line);
      if (!match || /\d/.test(match[2] ?? "") !== isNumbered || isRule(this.#line)) break;
      const [, before = "", mark = "", rest = ""] = match;
      const width = before.length + mark.length + 1;
      const lines = [rest];
      this.#at++;
      while (this.#at < this.#lines.length) {
        const line = this.#line;
        const indent = indentOf(line);
        if (line.trim() === "") {
          const next = this.#next();
          if (indentOf(this.#lines[next]) < width) break;
          for (; this.#at < next; this.#at++) lines.push("");
          continue;
        }
        if (indent >= width) lines.push(line.slice(width));
        else if (indent > before.length && ITEM.test(line)) lines.push(line.slice(Math.min(indent, before.length + 2)));
        else if (ITEM.test(line) || isBlockStart(line) || lines.at(-1) === "") break;
        else lines.push(line.trimStart());
        this.#at++;
      }
      items.push(this.#nested(lines));
      // Items may have lines between them.
      const next = this.#next();
      if (next > this.#at && ITEM.test(this.#lines[next] ?? "")) this.#at = next;
    }
    return { kind: "list", start: isNumbered ? Number.parseInt(first, 10) : undefined, items };
  }

  // The next line with text.
  #next(): number {
    let at = this.#at;
    while (at < this.#lines.length && this.#lines[at]?.trim() === "") at++;
    return at;
  }

  get #isTable(): boolean {
    const head = this.#line;
    const divider = this.#lines[this.#at + 1] ?? "";
    return head.includes("|") && divider.includes("-") && short(divider) && DIVIDER.test(divider) && cellsOf(head).length === cellsOf(divider).length;
  }

  #table(): Block {
    const head = cellsOf(this.#line).map(inlinesOf);
    const align = cellsOf(this.#lines[this.#at + 1] ?? "").map(alignOf);
    const rows: Inline[][][] = [];
    for (this.#at += 2; this.#at < this.#lines.length && this.#line.includes("|"); this.#at++) {
      const cells = cellsOf(this.#line).map(inlinesOf);
      rows.push(head.map((_, at) => cells[at] ?? []));
    }
    return { kind: "table", align, head, rows };
  }

  #paragraph(): Block {
    const lines = [this.#line.trimStart()];
    for (this.#at++; this.#at < this.#lines.length && this.#line.trim() !== "" && !isBlockStart(this.#line) && !ITEM.test(this.#line) && !this.#isTable; this.#at++) lines.push(this.#line.trimStart());
    return { kind: "paragraph", of: inlinesOf(lines.join("\n")) };
  }

  #nested(lines: string[]): Block[] {
    return new Reader(lines, this.#depth + 1).blocks();
  }
}

const short = (line: string): boolean => line.length <= MAX_MARK_CHARS;

const isRule = (line: string): boolean => short(line) && RULE.test(line);

const isBlockStart = (line: string): boolean => (short(line) && FENCE.test(line)) || HEADING.test(line) || isRule(line) || QUOTE.test(line);

const indentOf = (line: string | undefined): number => (line === undefined ? -1 : line.length - line.trimStart().length);

function cellsOf(line: string): string[] {
  const cells: string[] = [];
  let cell = "";
  const text = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "|") {
      cells.push(cell.trim());
      cell = "";
    } else if (text[at] === "\\" && text[at + 1] === "|") cell += text[++at];
    else cell += text[at];
  }
  return [...cells, cell.trim()];
}

function alignOf(cell: string): Align {
  const [isLeft, isRight] = [cell.startsWith(":"), cell.endsWith(":")];
  if (isLeft && isRight) return "center";
  return isRight ? "right" : isLeft ? "left" : undefined;
}

export function inlinesOf(text: string, depth = 0): Inline[] {
  if (text.length > MAX_INLINE_CHARS || depth > MAX_DEPTH) return [{ kind: "text", text }];
  return new InlineReader(text, depth).read();
}

const MARKS = [
  ["**", "strong"],
  ["__", "strong"],
  ["~~", "deleted"],
  ["*", "emphasis"],
  ["_", "emphasis"],
] as const;

class InlineReader {
  #text: string;
  #depth: number;
  #at = 0;
  #found: Inline[] = [];
  #plain = "";
  /** Ends that do not come any more. */
  #missing = new Set<string>();

  constructor(text: string, depth: number) {
    this.#text = text;
    this.#depth = depth;
  }

  read(): Inline[] {
    while (this.#at < this.#text.length) if (!this.#mark()) this.#plain += this.#text[this.#at++];
    this.#flush();
    return this.#found;
  }

  #add(inline: Inline, end: number): true {
    this.#flush();
    this.#found.push(inline);
    this.#at = end;
    return true;
  }

  #flush(): void {
    if (this.#plain !== "") this.#found.push({ kind: "text", text: this.#plain });
    this.#plain = "";
  }

  #mark(): boolean {
    const [text, at] = [this.#text, this.#at];
    switch (text[at]) {
      case "\\":
        return this.#escape();
      case "\n":
        return this.#newLine();
      case "`":
        return this.#code();
      case "!":
        return text[at + 1] === "[" && this.#link(at + 1, true);
      case "[":
        return this.#link(at, false);
      case "<":
        return this.#address();
      default:
        return this.#emphasis();
    }
  }

  #escape(): boolean {
    const next = this.#text[this.#at + 1] ?? "";
    if (next === "\n") return this.#add({ kind: "break" }, this.#at + 2);
    if (!/[!-/:-@[-`{-~]/.test(next)) return false;
    this.#plain += next;
    this.#at += 2;
    return true;
  }

  // Two spaces before its end break a line.
  #newLine(): boolean {
    const isBreak = this.#plain.endsWith("  ");
    this.#plain = this.#plain.trimEnd();
    if (isBreak) return this.#add({ kind: "break" }, this.#at + 1);
    this.#plain += "\n";
    this.#at++;
    return true;
  }

  #code(): boolean {
    const ticks = /^`+/.exec(this.#text.slice(this.#at, this.#at + 32))?.[0] ?? "`";
    const from = this.#at + ticks.length;
    let end = this.#find(ticks, from);
    while (end >= 0 && this.#text[end + ticks.length] === "`") {
      while (this.#text[end] === "`") end++;
      end = this.#find(ticks, end);
    }
    if (end < 0) {
      this.#plain += ticks;
      this.#at = from;
      return true;
    }
    const inside = this.#text.slice(from, end).replaceAll("\n", " ");
    const isPadded = inside.startsWith(" ") && inside.endsWith(" ") && inside.trim() !== "";
    return this.#add({ kind: "code", text: isPadded ? inside.slice(1, -1) : inside }, end + ticks.length);
  }

  #link(from: number, isImage: boolean): boolean {
    const middle = this.#find("](", from);
    if (middle < 0) return false;
    const label = this.#text.slice(from + 1, middle);
    if (label.includes("[") && !isImage && !label.startsWith("!")) return false;
    const target = /^\s*(?:<([^<>\n]*)>|([^\s()<>]*(?:\([^\s()]*\)[^\s()]*)*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/.exec(this.#text.slice(middle + 2, middle + 2 + 4096));
    if (!target) return false;
    const href = safe(target[1] ?? target[2] ?? "");
    const end = middle + 2 + target[0].length;
    if (href === undefined) {
      // An address that leads nowhere good stays as it was written.
      this.#plain += this.#text.slice(this.#at, end);
      this.#at = end;
      return true;
    }
    return this.#add(isImage ? { kind: "image", href, text: label } : { kind: "link", href, of: inlinesOf(label, this.#depth + 1) }, end);
  }

  #address(): boolean {
    const match = /^<((?:https?:\/\/|mailto:)[^\s<>]{1,2048})>/i.exec(this.#text.slice(this.#at, this.#at + 2100));
    const href = match?.[1] === undefined ? undefined : safe(match[1]);
    if (!match?.[1] || href === undefined) return false;
    return this.#add({ kind: "link", href, of: [{ kind: "text", text: match[1] }] }, this.#at + match[0].length);
  }

  #emphasis(): boolean {
    const [text, at] = [this.#text, this.#at];
    for (const [mark, kind] of MARKS) {
      if (!text.startsWith(mark, at)) continue;
      const from = at + mark.length;
      // An underscore inside a word is a part of it.
      if (/\s/.test(text[from] ?? " ") || (mark.startsWith("_") && /[\p{L}\p{N}]/u.test(text[at - 1] ?? ""))) continue;
      const end = this.#closing(mark, from);
      if (end > from) return this.#add({ kind, of: inlinesOf(text.slice(from, end), this.#depth + 1) }, end + mark.length);
    }
    return false;
  }

  #closing(mark: string, from: number): number {
    const text = this.#text;
    for (let end = this.#find(mark, from), tries = 0; end >= 0 && tries < 50; end = this.#find(mark, end + mark.length), tries++) {
      // Of a longer run the last ones close.
      while (mark.length === 2 && text[end + 2] === mark[0]) end++;
      const isEnd = !/\s/.test(text[end - 1] ?? " ") && text[end - 1] !== "\\";
      const isOfLonger = mark.length === 1 && (text[end + 1] === mark || text[end - 1] === mark);
      const isInWord = mark.startsWith("_") && /[\p{L}\p{N}]/u.test(text[end + mark.length] ?? "");
      if (isEnd && !isOfLonger && !isInWord) return end;
    }
    return -1;
  }

  // An end that was not found is remembered: to search for it at each opening would take quadratic time.
  #find(end: string, from: number): number {
    if (this.#missing.has(end)) return -1;
    const found = this.#text.indexOf(end, from);
    if (found < 0) this.#missing.add(end);
    return found;
  }
}

function safe(address: string): string | undefined {
  const url = URL.parse(address);
  if (!url || url.username || url.password) return undefined;
  return ["https:", "http:", "mailto:"].includes(url.protocol) ? url.href : undefined;
}
