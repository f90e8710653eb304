/** The page's database. A connection that the browser closes, or that stands in the way of a deletion, is opened anew when it is needed. */
import type { UseStore } from 'idb-keyval';

const NAME = 'llmesh';
const RECORDS = 'kept';
/** A database that is being deleted cannot be opened before each tab has let go of it; pages of before never do. */
const OPEN_PATIENCE_MS = 15_000;

/** Rejects where the browser allows no database. */
export async function openDatabase(): Promise<UseStore> {
  let opened: Promise<IDBDatabase> | null = null;
  const connect = () => {
    const mine = connection(() => {
      if (opened === mine) opened = null;
    });
    mine.catch(() => {
      if (opened === mine) opened = null;
    });
    return (opened = mine);
  };
  await connect();
  return async (mode, use) => {
    const records = await (opened ?? connect()).then((database) => recordsOf(database, mode));
    if (records !== null) return await use(records);
    const again = recordsOf(await connect(), mode);
    if (again === null) throw new DOMException('The browser closed its database.', 'InvalidStateError');
    return await use(again);
  };
}

/** null: the connection is being closed. */
function recordsOf(database: IDBDatabase, mode: IDBTransactionMode): IDBObjectStore | null {
  try {
    return database.transaction(RECORDS, mode).objectStore(RECORDS);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'InvalidStateError') return null;
    throw error;
  }
}

function connection(closed: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME);
    const late = () => reject(new DOMException('The browser does not open its database.', 'TimeoutError'));
    const patience = setTimeout(late, OPEN_PATIENCE_MS);
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore(RECORDS));
    request.addEventListener('error', () => {
      clearTimeout(patience);
      reject(request.error ?? new DOMException('The database cannot be opened.', 'UnknownError'));
    });
    request.addEventListener('success', () => {
      clearTimeout(patience);
      const database = request.result;
      database.addEventListener('close', closed);
      // Somebody deletes the site's data.
      database.addEventListener('versionchange', () => {
        database.close();
        closed();
      });
      resolve(database);
    });
  });
}
