// The folders that are told to a server that asks for them (`roots/list`).
import { useRef, useState } from "preact/hooks";
import type { Root } from "../protocol.ts";
import { useActions, useAppContext } from "./context.ts";

export function Roots() {
  const { state, client, say } = useAppContext();
  const [rows, setRows] = useState<Root[]>(state.target.roots);
  // A change may come before what was typed is drawn.
  const latest = useRef(rows);
  function edit(next: Root[]) {
    latest.current = next;
    setRows(next);
  }
  // Text that is no folder yet stays here until it is one.
  function tell() {
    const fit = latest.current.filter(({ uri }) => isFolder(uri));
    if (JSON.stringify(fit) !== JSON.stringify(state.target.roots)) void client.setRoots(fit);
  }
  return (
    <>
      <p class="note">{say("roots.about")}</p>
      {rows.map((root, at) => (
        <Row key={at} at={at} root={root} onInput={(more) => edit(rows.with(at, { ...root, ...more }))} onChange={tell} onRemove={() => (edit(rows.toSpliced(at, 1)), tell())} />
      ))}
      <button type="button" class="link" onClick={() => edit([...rows, { uri: "", name: "" }])}>
        {say("roots.add")}
      </button>
    </>
  );
}

interface RowGiven {
  at: number;
  root: Root;
  onInput: (more: Partial<Root>) => void;
  /** Whether the typed text is complete. */
  onChange: () => void;
  onRemove: () => void;
}

function Row({ at, root, onInput, onChange, onRemove }: RowGiven) {
  const { say } = useActions();
  const isWrong = root.uri !== "" && !isFolder(root.uri);
  return (
    <>
      <input
        class="field"
        spellcheck={false}
        aria-label={say("roots.uri")}
        placeholder="file:///home/me/project"
        value={root.uri}
        aria-invalid={isWrong}
        aria-describedby={isWrong ? `root-${at}-fault` : undefined}
        onInput={(event) => onInput({ uri: event.currentTarget.value.trim() })}
        onChange={onChange}
      />
      <div class="row">
        <input class="field" aria-label={say("roots.name")} placeholder={say("roots.name")} value={root.name} onInput={(event) => onInput({ name: event.currentTarget.value })} onChange={onChange} />
        <button type="button" class="small" aria-label={say("roots.remove", { name: root.name || root.uri })} onClick={onRemove}>
          {say("roots.remove.short")}
        </button>
      </div>
      {isWrong && (
        <p id={`root-${at}-fault`} class="fault">
          {say("roots.scheme")}
        </p>
      )}
    </>
  );
}

const isFolder = (uri: string): boolean => /^file:\/\//i.test(uri) && URL.canParse(uri);
