// The sign-in to this deployment, for its chat and its relay. It is apart from those to servers, and in no trace.
import type { DeploymentSignInRequest } from "../protocol.ts";
import type { Account } from "./account.ts";
import type { Accounts } from "./accounts.ts";
import type { SignIn } from "./sign-in.ts";

/** Functions of the Web Worker. They are handed in, since an import would split its bundle. */
interface Lent {
  accounts: Accounts;
  signInTo: (resource: string, scope: string, account: Account) => SignIn;
}

/** A sign-in for one scope. */
interface Own {
  account: Account;
  signIn: SignIn;
}

const all = new Map<string, Own>();

export async function handle(request: DeploymentSignInRequest, { accounts, signInTo }: Lent): Promise<unknown> {
  const { scope } = request;
  if (request.kind === "admit") {
    const account = await accounts.of(request.resource);
    const signIn = signInTo(request.resource, scope, account);
    all.set(scope, { account, signIn });
    return (await signIn.token()) !== undefined && isFor(account, scope);
  }
  const own = all.get(scope);
  if (!own) throw new Error("There is no sign-in yet.");
  if (request.kind === "offer") return own.signIn.offer();
  if (request.kind === "authorize") return own.signIn.authorize(request.callback, undefined, false);
  if (request.kind === "redeem") return own.signIn.redeem(request.parameters);
  return own.signIn.signOut();
}

// Tokens for one of the scopes may be there, without the other.
const isFor = (account: Account, scope: string): boolean => account.tokens()?.scope?.split(" ").includes(scope) ?? true;

/** The token for a scope, where there is one. */
export const tokenFor = async (scope: string): Promise<string | undefined> => all.get(scope)?.signIn.token();

/** Forgets a token that is no longer accepted. */
export const refused = async (scope: string): Promise<void> => all.get(scope)?.account.invalidateCredentials("tokens");
