/** The JSON at a path of our own origin. Rejects when the answer is not JSON, or larger than any of ours. */
const MAX_CHARS = 8_000_000;

export async function getJson(path: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(path, { signal, headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
  const text = await response.text();
  if (text.length > MAX_CHARS) throw new Error(`${path}: too large`);
  return JSON.parse(text);
}
