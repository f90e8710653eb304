/** What lies at a path of our own origin: JSON, or a file of bytes. */
const MAX_CHARS = 8_000_000;

/** Rejects when the answer is not JSON, or larger than any of ours. */
export async function getJson(path: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(path, { signal, headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  const text = await response.text();
  if (text.length > MAX_CHARS) throw new Error(`${path}: too large`);
  return JSON.parse(text);
}

/** null: there is nothing. Rejects when it cannot be had, or has more bytes; then no more of it is read than that. */
export async function getFile(path: string, maxBytes: number, signal: AbortSignal): Promise<Uint8Array | null> {
  const response = await fetch(path, { signal });
  if (response.status === 404) return null;
  if (!response.ok || response.body === null) throw new Error(`${path}: HTTP ${response.status}`);
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    length += next.value.byteLength;
    if (length > maxBytes) {
      await reader.cancel();
      throw new Error(`${path}: more than ${maxBytes} bytes`);
    }
    parts.push(next.value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}
