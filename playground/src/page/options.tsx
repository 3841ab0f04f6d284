// Options of a connection: transport, version, token, headers, capabilities and time.
import { MAX_SECONDS, OFFERS, type Transport, VERSIONS, type Version } from "../protocol.ts";
import { useAppContext } from "./context.ts";
import { Glyph } from "./glyph.tsx";

export function Options() {
  const { state, client, say } = useAppContext();
  const { target } = state;
  const headers = target.headers;
  const setHeader = (at: number, header: [string, string]) => client.setTarget({ headers: headers.with(at, header) });
  return (
    <>
      <label for="transport">{say("server.transport")}</label>
      <select id="transport" class="field" value={target.transport} onChange={(event) => client.setTarget({ transport: event.currentTarget.value as Transport })}>
        <option value="auto">{say("server.transport.auto")}</option>
        <option value="streamable">Streamable HTTP</option>
        <option value="sse">HTTP+SSE</option>
      </select>
      <label for="version">{say("server.version")}</label>
      <select id="version" class="field" value={target.version} onChange={(event) => client.setTarget({ version: event.currentTarget.value as Version })}>
        {VERSIONS.map((version) => (
          <option key={version} value={version}>
            {version === "auto" ? say("server.version.auto") : version}
          </option>
        ))}
      </select>
      <label for="token">{say("server.token")}</label>
      <input
        id="token"
        class="field"
        type="password"
        autocomplete="off"
        value={target.token}
        aria-describedby="token-hint"
        onInput={(event) => client.setTarget({ token: event.currentTarget.value.trim() })}
      />
      <p id="token-hint" class="note">
        {say("server.token.hint")}
      </p>
      <label for="scope">{say("server.scope")}</label>
      <input id="scope" class="field" spellcheck={false} value={target.scope} aria-describedby="scope-hint" onInput={(event) => client.setTarget({ scope: event.currentTarget.value })} />
      <p id="scope-hint" class="note">
        {say("server.scope.hint")}
      </p>
      <fieldset>
        <legend>{say("server.headers")}</legend>
        {headers.map(([name, value], at) => (
          <div key={at} class="row">
            <input class="field" aria-label={say("server.header.name")} placeholder={say("server.header.name")} value={name} onInput={(event) => setHeader(at, [event.currentTarget.value.trim(), value])} />
            <input class="field" type="password" autocomplete="off" aria-label={say("server.header.value")} placeholder={say("server.header.value")} value={value} onInput={(event) => setHeader(at, [name, event.currentTarget.value])} />
            <button type="button" class="small" onClick={() => client.setTarget({ headers: headers.toSpliced(at, 1) })}>
              <Glyph glyph="×" text={say("server.header.remove", { name })} />
            </button>
          </div>
        ))}
        <button type="button" class="link" onClick={() => client.setTarget({ headers: [...headers, ["", ""]] })}>
          {say("server.header.add")}
        </button>
      </fieldset>
      <fieldset>
        <legend>{say("server.offers")}</legend>
        {OFFERS.map((offer) => (
          <label key={offer} class="check">
            <input type="checkbox" checked={target.offers[offer]} onChange={(event) => client.setTarget({ offers: { ...target.offers, [offer]: event.currentTarget.checked } })} />
            {say(`server.offers.${offer}`)}
          </label>
        ))}
      </fieldset>
      <label for="seconds">{say("server.seconds")}</label>
      <input
        id="seconds"
        class="field"
        type="number"
        min={1}
        max={MAX_SECONDS}
        value={target.seconds}
        onChange={(event) => {
          const seconds = event.currentTarget.valueAsNumber;
          if (seconds >= 1) client.setTarget({ seconds: Math.min(seconds, MAX_SECONDS) });
        }}
      />
      <label class="check">
        <input type="checkbox" checked={target.isExtended} onChange={(event) => client.setTarget({ isExtended: event.currentTarget.checked })} />
        {say("server.extended")}
      </label>
    </>
  );
}
