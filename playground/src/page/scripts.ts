// Web Workers of the page. Their scripts are the only ones that any address is given for after the page's start.

declare const CLIENT_URL: string;
declare const MATCHER_URL: string;

interface Policy {
  createScriptURL(url: string): string;
}

interface TrustedTypes {
  createPolicy(name: string, rules: Policy): Policy;
}

let policy: Policy | undefined;

export function startWorker(url: string, name: string): Worker {
  const rules = { createScriptURL: (url: string) => ([CLIENT_URL, MATCHER_URL].includes(url) ? url : "") };
  const types = (window as unknown as { trustedTypes?: TrustedTypes }).trustedTypes;
  policy ??= types ? types.createPolicy("client", rules) : rules;
  return new Worker(policy.createScriptURL(url), { type: "module", name });
}
