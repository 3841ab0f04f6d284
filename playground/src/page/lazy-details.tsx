// A part that is made when it is opened.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export function LazyDetails({ heading, children }: { heading: string; children: () => ComponentChildren }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{heading}</summary>
      {isOpen && children()}
    </details>
  );
}
