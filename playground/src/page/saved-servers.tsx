// The saved servers: chosen, ordered, renamed, removed, exported and imported.
import { useEffect, useRef, useState } from "preact/hooks";
import { useActions, useAppContext } from "./context.ts";
import { DeviceSignIns } from "./device-sign-ins.tsx";
import { type Imported, exportServers, importServers } from "./mcp-servers.ts";
import { memo } from "./memo.tsx";
import { saveFile } from "./save.ts";
import { MAX_SAVED, type SavedServer, withoutSecrets } from "./server-storage.ts";
import { Glyph } from "./glyph.tsx";
import { serverName } from "./state.ts";

/** Bytes of a file that may be imported. */
const MAX_IMPORT_BYTES = 1_000_000;

/** An import, of which `left` servers were too many. */
type Added = Imported & { left: number };

export function SavedServers() {
  const { state, client, page, say } = useAppContext();
  const { servers: saved, target, info } = state;
  const known = saved.find(({ id }) => id === state.saved);
  const host = URL.parse(target.url)?.host;
  function save() {
    const id = known?.id ?? crypto.randomUUID();
    const name = known?.name ?? info?.title ?? info?.name ?? host ?? target.url;
    const entry = { id, name, target: withoutSecrets(target) };
    client.setSaved(id);
    void page.changeSaved((servers) => (servers.some((other) => other.id === id) ? servers.map((other) => (other.id === id ? { ...entry, name: other.name } : other)) : [...servers, entry]));
  }
  return (
    <>
      {saved.length === 0 && <p class="note">{say("saved.none")}</p>}
      <ol class="switch">
        {saved.map((entry, at) => (
          <Entry key={entry.id} entry={entry} isChosen={state.saved === entry.id} isFirst={at === 0} isLast={at === saved.length - 1} />
        ))}
      </ol>
      <p class="choice">
        {host && (known || saved.length < MAX_SAVED) && (
          <button type="button" class="link" onClick={save}>
            {known ? say("saved.update", { name: `${known.name} (${host})` }) : say("saved.save", { name: serverName(state) })}
          </button>
        )}
        {saved.length > 0 && (
          <button type="button" class="link" onClick={() => saveFile(new Blob([exportServers(saved)], { type: "application/json" }), "mcp-servers.json")}>
            {say("saved.export")}
          </button>
        )}
      </p>
      {saved.length >= MAX_SAVED && <p class="note">{say("saved.full", { count: MAX_SAVED })}</p>}
      <p class="note">{say("saved.secrets")}</p>
      <DeviceSignIns />
      <Import />
      <Clear />
    </>
  );
}

interface EntryGiven {
  entry: SavedServer;
  isChosen: boolean;
  isFirst: boolean;
  isLast: boolean;
}

const Entry = memo(({ entry, isChosen, isFirst, isLast }: EntryGiven) => {
  const { page, say } = useActions();
  const [isRenamed, setRenamed] = useState(false);
  const edit = useRef<HTMLButtonElement>(null);
  const { id, name, target } = entry;
  function move(step: -1 | 1) {
    void page.changeSaved((servers) => {
      const at = servers.findIndex((other) => other.id === id);
      const next = servers.toSpliced(at, 1);
      next.splice(at + step, 0, ...servers.slice(at, at + 1));
      return at < 0 || at + step < 0 ? servers : next;
    });
  }
  function rename(next: string) {
    setRenamed(false);
    edit.current?.focus();
    if (next.trim()) void page.changeSaved((servers) => servers.map((other) => (other.id === id ? { ...other, name: next.trim() } : other)));
  }
  return (
    <li>
      {isRenamed ? (
        <Rename key="new" name={name} done={rename} />
      ) : (
        <button key="name" type="button" aria-pressed={isChosen} onClick={() => page.openSaved(entry)}>
          <b dir="auto">{name}</b>
          <span class="note">{URL.parse(target.url)?.host}</span>
        </button>
      )}
      <button key="rename" type="button" class="small" ref={edit} onClick={() => setRenamed(!isRenamed)}>
        <Glyph glyph="Aa" text={say("saved.rename", { name })} />
      </button>
      <button type="button" class="small" disabled={isFirst} onClick={() => move(-1)}>
        <Glyph glyph="↑" text={say("saved.up", { name })} />
      </button>
      <button type="button" class="small" disabled={isLast} onClick={() => move(1)}>
        <Glyph glyph="↓" text={say("saved.down", { name })} />
      </button>
      <button type="button" class="small" onClick={() => void page.changeSaved((servers) => servers.filter((other) => other.id !== id))}>
        <Glyph glyph="×" text={say("saved.remove", { name })} />
      </button>
    </li>
  );
});

function Rename({ name, done }: { name: string; done: (name: string) => void }) {
  const { say } = useActions();
  const [text, setText] = useState(name);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.select(), []);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        done(text);
      }}
    >
      <input ref={input} class="field" dir="auto" aria-label={say("saved.name", { name })} value={text} onInput={(event) => setText(event.currentTarget.value)} onKeyDown={({ key }) => key === "Escape" && done(name)} />
    </form>
  );
}

function Import() {
  const { page, say } = useActions();
  const [text, setText] = useState("");
  const [imported, setImported] = useState<Added | "unreadable">();
  async function add(event: SubmitEvent) {
    event.preventDefault();
    const read = importServers(text);
    if (!read) return setImported("unreadable");
    setText("");
    let { servers: added } = read;
    await page.changeSaved((servers) => {
      added = read.servers.slice(0, MAX_SAVED - servers.length);
      return [...servers, ...added.map((server) => ({ ...server, id: crypto.randomUUID() }))];
    });
    setImported({ ...read, servers: added, left: read.servers.length - added.length });
  }
  async function choose(file: File | undefined) {
    setImported(undefined);
    if (file) setText(file.size > MAX_IMPORT_BYTES ? "" : await file.text());
  }
  return (
    <details>
      <summary>{say("saved.import")}</summary>
      <form onSubmit={add}>
        <label for="import-file">{say("saved.import.file")}</label>
        <input id="import-file" type="file" accept=".json,application/json" onChange={(event) => void choose(event.currentTarget.files?.[0])} />
        <label for="import">{say("saved.import.json")}</label>
        <textarea id="import" class="json field" spellcheck={false} rows={6} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        <button type="submit" class="button plain" disabled={text.trim() === ""}>
          {say("saved.import.add")}
        </button>
        <div role="status">
          {imported === "unreadable" && <p class="fault">{say("saved.unreadable")}</p>}
          {imported && imported !== "unreadable" && <Report added={imported} />}
        </div>
      </form>
    </details>
  );
}

function Report({ added: { servers, left, commands, unreadable } }: { added: Added }) {
  const { say } = useActions();
  return (
    <>
      <p>{say("saved.imported", { count: servers.length })}</p>
      {left > 0 && <p>{say("saved.left", { count: left })}</p>}
      {commands.length > 0 && <p dir="auto">{say("saved.commands", { names: commands.join(", ") })}</p>}
      {unreadable.length > 0 && <p dir="auto">{say("saved.addresses", { names: unreadable.join(", ") })}</p>}
    </>
  );
}

function Clear() {
  const { page, say } = useActions();
  const [isAsked, setAsked] = useState(false);
  if (!isAsked)
    return (
      <button type="button" class="link" onClick={() => setAsked(true)}>
        {say("saved.clear")}
      </button>
    );
  return (
    <div class="warning" role="alert">
      <p>{say("saved.clear.text")}</p>
      <p class="choice">
        <button type="button" class="button" onClick={() => void page.clear()}>
          {say("saved.clear.yes")}
        </button>
        <button type="button" class="button plain" onClick={() => setAsked(false)}>
          {say("signIn.cancel")}
        </button>
      </p>
    </div>
  );
}
