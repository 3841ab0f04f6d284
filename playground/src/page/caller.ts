// The caller that calls and tasks belong to: server, typed credentials and sign-in.
import type { Target } from "../protocol.ts";

export interface Caller {
  url: string;
  /** The token and the headers that the person typed, as JSON. It is compared alone, and never shown. */
  typed: string;
  /** Names the sign-in, where there is one. */
  signInId: string | undefined;
}

// Headers without a value are not sent.
export const callerOf = ({ url, token, headers }: Target, signInId?: string): Caller => ({ url, typed: JSON.stringify([token, headers.filter(([, value]) => value !== "")]), signInId });

/** Whether what one did is for the other: what came without a sign-in stays for whoever signs in then. */
export const isFor = (of: Caller, now: Caller): boolean => of.url === now.url && of.typed === now.typed && (of.signInId === undefined || of.signInId === now.signInId);

export const isCaller = (value: unknown): value is Caller => {
  const { url, typed, signInId } = (value ?? {}) as Partial<Caller>;
  return typeof url === "string" && typeof typed === "string" && ["string", "undefined"].includes(typeof signInId);
};
