// The language of the page: the browser's, or the one that the person chose.
import { visibleName } from "../visible.ts";
import { type Word, type Words, en } from "../words/en.ts";

export type Language = "en" | "zh-Hans";

const KEY = "playground language";

export function firstLanguage(): Language {
  const chosen = attempt(() => localStorage.getItem(KEY));
  if (chosen === "en" || chosen === "zh-Hans") return chosen;
  return navigator.languages.find((tag) => /^(zh|en)\b/i.test(tag))?.toLowerCase().startsWith("zh") ? "zh-Hans" : "en";
}

export function keepLanguage(language: Language): void {
  attempt(() => localStorage.setItem(KEY, language));
}

/** Puts a text into words, with values for what is in braces. */
export type Say = (word: Word, values?: Record<string, string | number>) => string;

// English is there at once, and stands in for what cannot be loaded.
const tables: Partial<Record<Language, Partial<Words>>> = { en };
let needsLater = false;
let notes: readonly (readonly [RegExp, string])[] = [];

/** Loads the words of a language, before they are shown. */
export async function load(language: Language): Promise<void> {
  if (language === "zh-Hans") tables[language] ??= (await import("../words/zh.ts")).zh;
  if (needsLater) await loadOthers(language);
}

async function loadOthers(language: Language): Promise<void> {
  if (language === "en") {
    tables.en = { ...en, ...(await import("../words/later-en.ts")).laterEn };
    return;
  }
  const [{ laterZh }, { notesZh }] = await Promise.all([import("../words/later-zh.ts"), import("../words/notes-zh.ts")]);
  tables[language] = { ...tables[language], ...laterZh };
  notes = notesZh;
}

/** The same, with those of parts that are loaded when they are used. */
export function loadLater(language: Language): Promise<void> {
  needsLater = true;
  return load(language);
}

// The table is looked up for each text: more of its words may have come since.
export const speaker = (language: Language): Say => (word, values = {}) => filled(tables[language]?.[word] ?? tables.en?.[word] ?? "", values);

/** A note among the messages; one that is not known stays in English. */
export function noteIn(language: Language, note: string): string {
  const [known, said] = (language === "en" ? undefined : notes.find(([known]) => known.test(note))) ?? [];
  return known && said ? note.replace(known, said) : note;
}

/** A text with values for what is in braces. They turn nothing of what stands around them. */
export const filled = (text: string, values: Record<string, string | number>): string => text.replace(/\{(\w+)\}/g, (_, name: string) => visibleName(String(values[name] ?? "")));

/** The result of what a browser may refuse, such as storage. */
export function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
