// A text field with suggestions of the server: the combobox pattern of WAI-ARIA, with the focus always in the field.
import { useEffect, useRef, useState } from "preact/hooks";
import type { CompletionRequest, ServerInfo, Suggestions } from "../protocol.ts";
import { useAppContext } from "./context.ts";
import { Failure } from "./failure.ts";

/** Milliseconds without a key after which suggestions are asked for. */
const PAUSE_MS = 250;

const METHOD_NOT_FOUND = -32601;

/** Connections whose server turned out to have no completion. */
const without = new WeakSet<ServerInfo>();

interface Given {
  id: string;
  name: string;
  of: CompletionRequest["ref"];
  value: string;
  /** The other fields, as they are filled in. */
  context: Record<string, string>;
  isRequired?: boolean;
  isInvalid: boolean;
  describedBy: string | undefined;
  onChange: (value: string) => void;
}

export function Combobox({ id, name, of, value, context, isRequired = false, isInvalid, describedBy, onChange }: Given) {
  const { state, client, say } = useAppContext();
  const [found, setFound] = useState<Suggestions>();
  const [active, setActive] = useState(-1);
  const [fault, setFault] = useState<string>();
  const [, redraw] = useState(0);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const asked = useRef(0);
  useEffect(() => close, []);
  const { info } = state;
  const canSuggest = info !== undefined && !without.has(info) && (info.capabilities["completions"] !== undefined || info.protocol === "2024-11-05");
  const attributes = { id, class: "field", autocomplete: "off", spellcheck: false, value, "aria-required": isRequired, "aria-invalid": isInvalid, "aria-describedby": describedBy } as const;
  // The same place in the tree as below: a field that turns out to be plain while somebody types keeps the focus.
  if (!canSuggest)
    return (
      <div class="combobox">
        <input {...attributes} onInput={(event) => onChange(event.currentTarget.value)} />
      </div>
    );

  const options = found?.values ?? [];
  const isOpen = options.length > 0;

  function close() {
    clearTimeout(timer.current);
    asked.current++;
    setFound(undefined);
    setActive(-1);
  }

  async function ask(typed: string) {
    if (info && without.has(info)) return;
    const number = ++asked.current;
    const others = Object.fromEntries(Object.entries(context).filter(([other, text]) => other !== name && text !== ""));
    try {
      const suggestions = await client.complete({ field: id, ref: of, name, value: typed, context: others });
      if (number !== asked.current) return;
      setFound(suggestions);
      setActive(-1);
      setFault(undefined);
    } catch (error) {
      const problem = error instanceof Failure ? error.problem : undefined;
      if (problem?.code === METHOD_NOT_FOUND && info) {
        without.add(info);
        redraw(number);
      } else if (number === asked.current && problem) {
        setFound(undefined);
        setFault(problem.message);
      }
    }
  }

  function edit(typed: string) {
    onChange(typed);
    close();
    timer.current = setTimeout(() => void ask(typed), PAUSE_MS);
  }

  function pick(text: string | undefined) {
    if (text !== undefined) onChange(text);
    close();
  }

  function press(event: KeyboardEvent) {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      if (!isOpen) return void (step === 1 && ask(value));
      // Before the first and behind the last there is the field itself.
      const next = active + step;
      setActive(next < -1 ? options.length - 1 : next >= options.length ? -1 : next);
    } else if (event.key === "Enter" && active >= 0) {
      event.preventDefault();
      pick(options[active]);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      close();
    }
  }

  const told = !found ? "" : !isOpen ? say("complete.none") : say(!found.hasMore ? "complete.found" : found.total > options.length ? "complete.cut" : "complete.more", { count: options.length, all: found.total });
  return (
    <div class="combobox">
      <input
        {...attributes}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={isOpen}
        aria-controls={`${id}-options`}
        aria-activedescendant={active >= 0 ? `${id}-option-${active}` : undefined}
        onInput={(event) => edit(event.currentTarget.value)}
        onKeyDown={press}
        onBlur={close}
      />
      <div class="popup">
        <ul id={`${id}-options`} role="listbox" aria-label={say("complete.label", { name })} hidden={!isOpen}>
          {options.map((text, at) => (
            <Option key={`${at} ${text}`} id={`${id}-option-${at}`} text={text} isActive={at === active} onPick={() => pick(text)} />
          ))}
        </ul>
        <p class="note" role="status" dir="auto">
          {fault === undefined ? told : say("complete.failed", { message: fault })}
        </p>
      </div>
    </div>
  );
}

function Option({ id, text, isActive, onPick }: { id: string; text: string; isActive: boolean; onPick: () => void }) {
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isActive) item.current?.scrollIntoView({ block: "nearest" });
  }, [isActive]);
  return (
    // The field keeps the focus while an option is pressed.
    <li ref={item} id={id} role="option" aria-selected={isActive} dir="auto" onPointerDown={(event) => event.preventDefault()} onClick={onPick}>
      {text}
    </li>
  );
}
