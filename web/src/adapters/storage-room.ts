/** How much room the browser has for this site, and whether it may take it away. */

/** Less than this is no room: a conversation has as much. */
const HARDLY_ANY_BYTES = 1_048_576;

/** False also where the browser does not say. */
export async function isStorageFull(): Promise<boolean> {
  const { storage } = navigator as { storage?: StorageManager };
  if (storage === undefined) return false;
  const { quota, usage } = await storage.estimate();
  return quota !== undefined && usage !== undefined && quota - usage < HARDLY_ANY_BYTES;
}

/** Whether the browser has promised not to clear this site's data by itself. */
export async function isPersisted(): Promise<boolean> {
  const { storage } = navigator as { storage?: StorageManager };
  return (await storage?.persisted?.()) ?? false;
}

/** Asks the browser not to clear this site's data when the disk gets full. Resolves with whether it promised; some ask the person. */
export async function askToPersist(): Promise<boolean> {
  const { storage } = navigator as { storage?: StorageManager };
  // Absent on a page that came over plain http.
  if (storage?.persist === undefined) return false;
  return (await storage.persisted()) || (await storage.persist());
}
