// The head of what was chosen from a list: its title, its name or address, and its description.
import type { ComponentChildren } from "preact";
import { visible } from "../visible.ts";

interface Props {
  title: string;
  /** The name of a tool or prompt, the address of a resource. */
  id: string;
  description: string | undefined;
  /** Stands behind the id. */
  children?: ComponentChildren;
}

export function EntryHeader({ title, id, description, children }: Props) {
  return (
    <>
      <h3 dir="auto">{title}</h3>
      <p>
        <code dir="auto">{visible(id)}</code> {children}
      </p>
      {description && (
        <p class="text" dir="auto">
          {description}
        </p>
      )}
    </>
  );
}

export const TypeTag = ({ mimeType }: { mimeType: string | undefined }) => (mimeType ? <span class="tag">{mimeType}</span> : null);
