// Storage of oidc-provider, in memory: one place for a provider that is set up anew when its keys or clients change.

/** The factory of its adapters. */
export function store() {
  const entries = new Map();
  return (model) => new Entries(model, entries);
}

class Entries {
  constructor(model, all) {
    this.model = model;
    this.all = all;
  }

  async upsert(id, payload) {
    this.all.set(this.#key(id), payload);
  }

  async find(id) {
    return this.all.get(this.#key(id));
  }

  async findByUid(uid) {
    return this.#mine().find((payload) => payload.uid === uid);
  }

  async findByUserCode(userCode) {
    return this.#mine().find((payload) => payload.userCode === userCode);
  }

  async consume(id) {
    this.all.get(this.#key(id)).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    this.all.delete(this.#key(id));
  }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of this.all) {
      if (key.startsWith(`${this.model}:`) && payload.grantId === grantId) this.all.delete(key);
    }
  }

  #key(id) {
    return `${this.model}:${id}`;
  }

  #mine() {
    return [...this.all].filter(([key]) => key.startsWith(`${this.model}:`)).map(([, payload]) => payload);
  }
}
