// Whose calls and tasks are.
import type { ServerInfo, Target } from "../protocol.ts";

export interface Caller {
  url: string;
  /** Names the sign-in, where there is one. */
  signInId: string | undefined;
}

export const callerOf = ({ url }: Target, { signInId }: ServerInfo): Caller => ({ url, signInId });

/** Whether what one did is for the other: what came without a sign-in stays for whoever signs in then. */
export const isFor = (of: Caller, now: Caller): boolean => of.url === now.url && (of.signInId === undefined || of.signInId === now.signInId);

export const isCaller = (value: unknown): value is Caller => {
  const { url, signInId } = (value ?? {}) as Partial<Caller>;
  return typeof url === "string" && ["string", "undefined"].includes(typeof signInId);
};
