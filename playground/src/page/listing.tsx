// A list to search, with one entry of it beside.
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { visible } from "../visible.ts";
import { useActions, useAppContext } from "./context.ts";
import { Icon, hasIcons } from "./icon.tsx";
import { later } from "./later.tsx";
import { memo } from "./memo.tsx";
import type { Tab } from "./state.ts";
import type { Props as ListProps } from "./virtual-list.tsx";

/** Entries that are all drawn. */
const FEW = 100;

const VirtualList = later<ListProps<Entry>>(async () => (await import("./virtual-list.tsx")).VirtualList);
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
  const { state, client, say } = useAppContext();
  const chosen = state.chosen[tab];
  return (
    <div class={chosen === undefined ? "listing" : "listing chosen"}>
      <List tab={tab} entries={entries} search={state.search[tab] ?? ""} chosen={chosen} />
      <div class="detail">
        {chosen === undefined ? (
          <p class="note">{entries.length > 0 && say("list.choose")}</p>
        ) : (
          <>
            <button type="button" class="link back" onClick={() => client.choose(tab, undefined)}>
              ← {say("list.back")}
            </button>
            {children}
          </>
        )}
      </div>
    </div>
  );
}

interface ListGiven {
  tab: Tab;
  entries: Entry[];
  search: string;
  chosen: string | undefined;
}

const List = memo(({ tab, entries, search, chosen }: ListGiven) => {
  const { client, say } = useActions();
  // What is searched, once for a list and not for each letter.
  const texts = useMemo(() => entries.map(({ id, title, description }) => `${id}\n${title}\n${description ?? ""}`.toLowerCase()), [entries]);
  const wanted = search.trim().toLowerCase();
  const found = useMemo(() => entries.filter((_, at) => texts[at]?.includes(wanted)), [entries, wanted]);
  const withIcons = useMemo(() => entries.some(hasIcons), [entries]);
  const draw = ({ id, title, description, marks, state, icons }: Entry) => (
    <button type="button" aria-pressed={id === chosen} onClick={() => client.choose(tab, id)}>
      {withIcons && <Icon icons={icons} title={title} />}
      <b dir="auto">{title}</b>
      {state && <i class="tag strong">{say(`list.${state}`)}</i>}
      {title !== id && <code dir="auto">{visible(id)}</code>}
      {description && <span dir="auto">{description}</span>}
      {marks}
    </button>
  );
  return (
    <div class="list">
      {entries.length > 5 && (
        <input class="field" type="search" aria-label={say("list.search")} placeholder={say("list.search")} value={search} onInput={(event) => client.search(tab, event.currentTarget.value)} />
      )}
      {(tab === "tools" || tab === "resources" || tab === "prompts") && <ListAge what={tab} />}
      {entries.length === 0 && <p class="note">{say("list.none")}</p>}
      {entries.length > 0 && found.length === 0 && <p class="note">{say("list.nothingFound")}</p>}
      {found.length > FEW ? (
        <VirtualList rows={found} keyOf={idOf} chosen={chosen} draw={draw} />
      ) : (
        <ul>
          {found.map((entry) => (
            <li key={entry.id} data-key={entry.id}>
              {draw(entry)}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
});

const idOf = ({ id }: Entry): string => id;
