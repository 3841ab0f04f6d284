// The sign-ins that are kept on this device, to be removed.
import { useEffect, useState } from "preact/hooks";
import type { KeptSignIn } from "../protocol.ts";
import { useAppContext } from "./context.ts";

export function DeviceSignIns() {
  const { state, client, say } = useAppContext();
  const [kept, setKept] = useState<KeptSignIn[]>([]);
  const load = () => client.keptSignIns().then(setKept);
  useEffect(() => void load(), [state.shown, state.phase, state.isSignedIn]);
  if (kept.length === 0) return null;
  async function remove(server: string) {
    await client.forgetSignIn(server);
    await load();
  }
  return (
    <section aria-labelledby="device-heading">
      <h3 id="device-heading">{say("device.heading")}</h3>
      <ul class="items">
        {kept.map(({ server, issuer }) => (
          <li key={`${server} ${issuer}`}>
            <code>{server}</code> <span class="note">{say("device.by", { issuer: URL.parse(issuer)?.host ?? issuer })}</span>{" "}
            <button type="button" class="link" aria-label={say("device.remove", { server })} onClick={() => void remove(server)}>
              {say("signIn.out")}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
