// A link to a resource, and the notes that content carries.
import { visibleName, visible } from "../visible.ts";
import { useActions } from "./context.ts";

interface LinkBlock {
  uri?: unknown;
  name?: unknown;
  title?: unknown;
  description?: unknown;
  mimeType?: unknown;
  size?: unknown;
}

export function ResourceLink({ link }: { link: object }) {
  const { client, say } = useActions();
  const { uri, name, title, description, mimeType, size } = link as LinkBlock;
  const address = String(uri);
  // One that does not look like what it is stays text.
  const web = visible(address) === address && /^https:\/\//i.test(address) ? URL.parse(address) : null;
  return (
    <section class="card">
      <h5>{say("result.link")}</h5>
      <p dir="auto">
        <b>{visibleName(String(title ?? name ?? uri))}</b> {typeof mimeType === "string" && <span class="tag">{mimeType}</span>} {typeof size === "number" && <span class="tag">{say("link.size", { bytes: size })}</span>}
      </p>
      {typeof description === "string" && <p dir="auto">{description}</p>}
      <p>
        <code dir="auto">{visible(address)}</code>
      </p>
      <p class="choice">
        <button type="button" class="button plain" onClick={() => void client.read(address)}>
          {say("result.read")}
        </button>
        {web && !web.username && !web.password && (
          <a href={web.href} target="_blank" rel="noopener noreferrer">
            {say("help.tab", { host: web.host })}
          </a>
        )}
      </p>
    </section>
  );
}

export function Annotations({ given }: { given: object }) {
  const { say } = useActions();
  const { audience, priority, lastModified } = given as { audience?: unknown; priority?: unknown; lastModified?: unknown };
  const roles = Array.isArray(audience) ? audience.filter((role) => typeof role === "string") : [];
  return (
    <p class="annotations">
      {roles.length > 0 && <span class="tag">{say("annotation.audience", { roles: roles.join(", ") })}</span>}
      {typeof priority === "number" && <span class="tag">{say("annotation.priority", { priority })}</span>}
      {typeof lastModified === "string" && <span class="tag">{say("annotation.changed", { time: visible(lastModified) })}</span>}
    </p>
  );
}
