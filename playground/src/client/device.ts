// Sign-ins that the person keeps on this device, in IndexedDB: one for each server and issuer.

const DATABASE = "playground";
const STORE = "sign-ins";

export interface DeviceEntry {
  server: string;
  issuer: string;
  /** Milliseconds since 1970. */
  at: number;
  text: string;
}

export async function list(): Promise<DeviceEntry[]> {
  return (await use("readonly", (store) => store.getAll() as IDBRequest<DeviceEntry[]>)) ?? [];
}

/** The newest of a server. */
export async function find(server: string): Promise<DeviceEntry | undefined> {
  const entries = (await list()).filter((entry) => entry.server === server);
  return entries.sort((one, other) => other.at - one.at)[0];
}

/** Stores it in place of what another issuer gave for the server. */
export async function put(entry: DeviceEntry): Promise<void> {
  await use("readwrite", (store) => {
    store.delete(IDBKeyRange.bound([entry.server], [entry.server, []]));
    return store.put(entry);
  });
}

export async function remove(server: string): Promise<void> {
  await use("readwrite", (store) => store.delete(IDBKeyRange.bound([server], [server, []])));
}

async function use<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
  const database = await open(mode === "readwrite");
  if (!database) return undefined;
  try {
    const transaction = database.transaction(STORE, mode);
    const request = work(transaction.objectStore(STORE));
    await new Promise<void>((done, fail) => {
      transaction.oncomplete = () => done();
      transaction.onabort = transaction.onerror = () => fail(transaction.error);
    });
    return request.result;
  } finally {
    database.close();
  }
}

// Reading leaves no database where there was none.
function open(isMade: boolean): Promise<IDBDatabase | undefined> {
  return new Promise((done, fail) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      if (isMade) request.result.createObjectStore(STORE, { keyPath: ["server", "issuer"] });
      else request.transaction?.abort();
    };
    request.onsuccess = () => done(request.result);
    request.onerror = () => (isMade ? fail(request.error) : done(undefined));
  });
}
