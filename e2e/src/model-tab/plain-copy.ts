/** One download into the origin private file system, with nothing of ours: what any page pays for it. */

/** Only workers may write in place. */
const WORKER = `onmessage = async ({ data: url }) => {
  const root = await navigator.storage.getDirectory();
  const file = await (await root.getFileHandle('plain-copy', { create: true })).createSyncAccessHandle();
  const reader = (await fetch(url)).body.getReader();
  let at = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) at += file.write(part.value, { at });
  file.flush();
  file.close();
  postMessage(at);
};`;

/** How many bytes it was. */
export async function plainCopy(url: string): Promise<number> {
  const worker = new Worker(URL.createObjectURL(new Blob([WORKER], { type: 'text/javascript' })));
  try {
    return await new Promise<number>((resolve, reject) => {
      worker.addEventListener('message', ({ data }: { data: number }) => resolve(data));
      worker.addEventListener('error', ({ message }) => reject(new Error(message)));
      worker.postMessage(url);
    });
  } finally {
    worker.terminate();
  }
}
