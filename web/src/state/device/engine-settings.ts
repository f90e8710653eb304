/** What the page tells its engine: what an operator or a volunteer has set, and what happened before. */
export interface EngineSettings {
  /**
   * Base URL of a mirror that replaces huggingface.co and raw.githubusercontent.com, keeping their paths. It may
   * carry `llmesh-mirror.json` with checksums. null: the originals.
   */
  mirror: string | null;
  /** This page had a graphics device before. */
  hadGpu: boolean;
}

/** A mirror's base as it is kept: http(s), no trailing slash, no query. null when the text is not such a URL. */
export function parseMirror(text: string): string | null {
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return null;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  if (url.username !== '' || url.search !== '' || url.hash !== '') return null;
  return url.href.replace(/\/+$/, '');
}
