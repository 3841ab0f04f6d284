// Results: content of every type, structured content, and what is none of both.
import { useState } from "preact/hooks";
import { fromBase64 } from "../base64.ts";
import { type Json, isObject } from "../exact.ts";
import type { Tool } from "../protocol.ts";
import { visible } from "../visible.ts";
import { useActions } from "./context.ts";
import { useValidation } from "./validation.ts";
import { longTextOf } from "./long-texts.ts";
import { JsonBlock } from "./json-block.tsx";
import { later } from "./later.tsx";
import { saveFile } from "./save.ts";
import { Unchecked } from "./unchecked.tsx";

const LongTextView = later(async () => (await import("./long-text.tsx")).LongTextView);
const Markdown = later(async () => (await import("./markdown.tsx")).Markdown);
const MarkdownSwitch = later(async () => (await import("./markdown.tsx")).MarkdownSwitch, true);
const ResourceLink = later(async () => (await import("./resource-link.tsx")).ResourceLink);
const Annotations = later(async () => (await import("./resource-link.tsx")).Annotations);

export function ToolResult({ tool, result }: { tool: Tool; result: unknown }) {
  const { say } = useActions();
  const { content, structuredContent, isError } = (isObject(result as Json) ? result : {}) as { content?: unknown; structuredContent?: Json; isError?: unknown };
  const longText = longTextOf(result);
  const blocks = Array.isArray(content) ? content : [];
  const promised = isObject(tool.outputSchema as Json) ? (tool.outputSchema as Json) : undefined;
  const validation = useValidation(structuredContent, promised);
  const { errors } = validation;
  return (
    <div class={isError === true ? "result failed" : "result"}>
      {isError === true && (
        <p>
          <b>{say("result.failed")}</b>
        </p>
      )}
      {blocks.map((block, at) => (
        <Content key={at} block={block} />
      ))}
      {structuredContent !== undefined && (
        <section>
          <h5>{say("result.structured")}</h5>
          {longText ? <LongTextView text={longText} name="result.json" /> : <JsonBlock value={structuredContent} />}
        </section>
      )}
      {errors.length > 0 && (
        <div class="warning">
          <p>{say("result.invalid")}</p>
          <ul>
            {errors.map(({ pointer, keyword, demand }) => (
              <li key={pointer + keyword}>
                <code>{pointer || "/"}</code> {keyword} {demand}
              </li>
            ))}
          </ul>
        </div>
      )}
      <Unchecked validation={validation} text="result.unchecked" />
      {promised !== undefined && structuredContent === undefined && isError !== true && <p class="warning">{say("result.missing")}</p>}
      {blocks.length === 0 && structuredContent === undefined && <Raw value={result} />}
    </div>
  );
}

function Raw({ value }: { value: unknown }) {
  const { say } = useActions();
  const isEmpty = isObject(value as Json) && Array.isArray((value as { content?: unknown }).content);
  return isEmpty ? <p class="note">{say("result.empty")}</p> : <JsonBlock value={value} />;
}

interface Block {
  type?: unknown;
  text?: unknown;
  data?: unknown;
  mimeType?: unknown;
  uri?: unknown;
  blob?: unknown;
  resource?: unknown;
}

export function Content({ block }: { block: unknown }) {
  const annotations = isObject(block as Json) ? (block as { annotations?: Json }).annotations : undefined;
  return (
    <>
      <Plain block={block} />
      {isObject(annotations) && <Annotations given={annotations} />}
    </>
  );
}

function Plain({ block }: { block: unknown }) {
  const { say } = useActions();
  const { type, text, data, mimeType, resource } = (isObject(block as Json) ? block : {}) as Block;
  if (type === "text" && typeof text === "string") return <TextContent text={text} name="result.txt" of={block} />;
  if (type === "image" && typeof data === "string") return <Media kind="image" data={data} mimeType={String(mimeType)} />;
  if (type === "audio" && typeof data === "string") return <Media kind="audio" data={data} mimeType={String(mimeType)} />;
  if (type === "resource_link") return <ResourceLink link={block as object} />;
  if (type === "resource" && isObject(resource as Json)) return <Contents contents={resource as Block} />;
  return (
    <div>
      <p class="note">{say("result.unknown", { type: String(type) })}</p>
      <JsonBlock value={block} />
    </div>
  );
}

/** The contents of a resource: text as it is, whatever it is called, and other bytes by their type. */
export function Contents({ contents }: { contents: Block }) {
  const { say } = useActions();
  const { uri, text, blob, mimeType } = (isObject(contents as Json) ? contents : {}) as Block;
  const type = typeof mimeType === "string" ? mimeType : "application/octet-stream";
  return (
    <section>
      <h5 dir="auto">{say("result.resource", { uri: visible(String(uri)) })}</h5>
      <p class="note">{type}</p>
      {typeof text === "string" && <TextContent text={text} name="resource.txt" of={contents} />}
      {typeof blob === "string" && /^image\//.test(type) && <Media kind="image" data={blob} mimeType={type} />}
      {typeof blob === "string" && /^audio\//.test(type) && <Media kind="audio" data={blob} mimeType={type} />}
      {typeof blob === "string" && !/^(image|audio)\//.test(type) && <Save bytes={fromBase64(blob)} name="resource.bin" />}
    </section>
  );
}

/** Signs that a text may be Markdown, which the part for it decides. */
const MARKS = /[#*_`~>|\]]|^ *(-|\+|\d+[.)]) /m;

function TextContent({ text, name, of }: { text: string; name: string; of: unknown }) {
  const longText = longTextOf(of);
  const [isMarked, setMarked] = useState(false);
  if (longText) return <LongTextView text={longText} name={name} />;
  return (
    <div>
      {MARKS.test(text) && <MarkdownSwitch text={text} isMarked={isMarked} onChange={setMarked} />}
      {isMarked ? (
        <Markdown text={text} />
      ) : (
        <pre class="text" tabIndex={0} dir="auto">
          {text}
        </pre>
      )}
      {text.length > 2000 && <Save bytes={new TextEncoder().encode(text)} name={name} />}
    </div>
  );
}

const TYPES = { image: /^image\/[a-z0-9.+-]+$/, audio: /^audio\/[a-z0-9.+-]+$/ };

function Media({ kind, data, mimeType }: { kind: "image" | "audio"; data: string; mimeType: string }) {
  const { say } = useActions();
  const [isBroken, setBroken] = useState(false);
  const bytes = fromBase64(data);
  const type = TYPES[kind].test(mimeType) ? mimeType : `${kind}/unknown`;
  if (!bytes) return <p class="fault">{say("result.brokenData")}</p>;
  // Not a blob's address: opened as a document, that would be of this origin.
  const source = `data:${type};base64,${data}`;
  return (
    <figure>
      {isBroken && <p class="fault">{say("result.brokenImage")}</p>}
      {kind === "image" && !isBroken && <img src={source} alt={say("result.image", { type, bytes: bytes.length })} onError={() => setBroken(true)} />}
      {kind === "audio" && <audio controls src={source} />}
      <figcaption class="note">
        {say(`result.${kind}`, { type, bytes: bytes.length })} <Save bytes={bytes} name={`${kind}.${type.split("/")[1]?.replace(/\W.*/, "")}`} />
      </figcaption>
    </figure>
  );
}

function Save({ bytes, name }: { bytes: Uint8Array<ArrayBuffer> | undefined; name: string }) {
  const { say } = useActions();
  return (
    <button type="button" class="link" onClick={() => bytes && saveFile(new Blob([bytes], { type: "application/octet-stream" }), name)}>
      {say("result.save")}
    </button>
  );
}
