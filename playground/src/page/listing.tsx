// A list to search, with one entry of it beside.
import type { ComponentChildren } from "preact";
import { visible } from "../visible.ts";
import { useShared } from "./context.ts";
import { Icon, hasIcons } from "./icon.tsx";
import { later } from "./later.tsx";
import { Rows } from "./rows.tsx";
import type { Tab } from "./state.ts";

const ListAge = later(async () => (await import("./connected.ts")).ListAge, true);

export interface Entry {
  id: string;
  title: string;
  description: string | undefined;
  marks?: ComponentChildren;
  icons?: unknown;
  state?: "new" | "gone" | "updated" | undefined;
}

export function Listing({ tab, entries, children }: { tab: Tab; entries: Entry[]; children: ComponentChildren }) {
  const { state, visitor, say } = useShared();
  const search = state.search[tab] ?? "";
  const chosen = state.chosen[tab];
  const found = entries.filter(({ id, title, description }) => `${id}\n${title}\n${description ?? ""}`.toLowerCase().includes(search.trim().toLowerCase()));
  const withIcons = entries.some(hasIcons);
  return (
    <div class={chosen === undefined ? "listing" : "listing chosen"}>
      <div class="list">
        {entries.length > 5 && (
          <input class="field" type="search" aria-label={say("list.search")} placeholder={say("list.search")} value={search} onInput={(event) => visitor.search(tab, event.currentTarget.value)} />
        )}
        {(tab === "tools" || tab === "resources" || tab === "prompts") && <ListAge what={tab} />}
        {entries.length === 0 && <p class="note">{say("list.none")}</p>}
        {entries.length > 0 && found.length === 0 && <p class="note">{say("list.nothingFound")}</p>}
        <Rows
          rows={found}
          chosen={chosen}
          draw={({ id, title, description, marks, state, icons }) => (
            <button type="button" aria-pressed={id === chosen} onClick={() => visitor.choose(tab, id)}>
              {withIcons && <Icon icons={icons} title={title} />}
              <b dir="auto">{title}</b>
              {state && <i class="tag strong">{say(`list.${state}`)}</i>}
              {title !== id && <code dir="auto">{visible(id)}</code>}
              {description && <span dir="auto">{description}</span>}
              {marks}
            </button>
          )}
        />
      </div>
      <div class="detail">
        {chosen === undefined ? (
          <p class="note">{entries.length > 0 && say("list.choose")}</p>
        ) : (
          <>
            <button type="button" class="link back" onClick={() => visitor.choose(tab, undefined)}>
              ← {say("list.back")}
            </button>
            {children}
          </>
        )}
      </div>
    </div>
  );
}
