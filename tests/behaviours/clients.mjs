// The clients of the behaviours. A stranger may register a few at once only, so each registers once with a provider.
const known = new WeakMap();

/** The client of that name: a public one, unless `metadata` says otherwise. */
export function clientNamed(target, name, metadata = {}) {
  const clients = known.get(target) ?? known.set(target, new Map()).get(target);
  if (!clients.has(name)) clients.set(name, target.register({ client_name: name, ...metadata }));
  return clients.get(name);
}

export const mine = (target) => clientNamed(target, "My client");
export const other = (target) => clientNamed(target, "Another client");

/** A client with a secret. */
export const confidential = (target, method = "client_secret_basic") =>
  clientNamed(target, `By ${method}`, { token_endpoint_auth_method: method });
