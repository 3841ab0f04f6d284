// The capabilities that are declared to a server: those that the person left switched on.
import type { ClientCapabilities } from "@modelcontextprotocol/client";
import type { Offers } from "../protocol.ts";

export function capabilitiesOf({ elicitationForm, elicitationUrl }: Offers): ClientCapabilities {
  const elicitation = { ...(elicitationForm ? { form: {} } : {}), ...(elicitationUrl ? { url: {} } : {}) };
  return elicitationForm || elicitationUrl ? { elicitation } : {};
}
