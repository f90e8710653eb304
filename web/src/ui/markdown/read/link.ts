/** Where a link leads, and whether its text says so. */

const SAFE = /^(?:https?:|mailto:)/i;
/** More of an address than this can carry words of the conversation away. */
const LONG_CHARS = 80;
/** Marks of direction and invisible characters, by which a text can pretend to be another. */
const HIDDEN = /[\p{Cf}\p{Cc}]/gu;
const ADDRESS = /(?:([a-z][a-z\d+.-]*):\/\/|\b)((?:[\p{L}\p{N}][\p{L}\p{N}-]*\.)+[\p{L}][\p{L}\p{N}-]*)/giu;
/** Names of files and of programs that look like those of computers. */
const NAMES =
  /\.(?:js|mjs|ts|tsx|jsx|py|rs|md|sh|go|c|h|cc|cpp|cs|java|rb|php|json|ya?ml|toml|txt|html?|css|net|exe|zip|pdf|svelte|vue)$/i;

export interface Lead {
  /** Null: nothing to click on. */
  href: string | null;
  /** What is said after the text; empty where the text says it. */
  leads: string;
  /** The text names another address. */
  warns: boolean;
}

/** `text`: the text of the link, as a person reads it. */
export function leadOf(target: string, text: string): Lead {
  const href = target.trim();
  const url = SAFE.test(href) && URL.canParse(href) ? new URL(href) : null;
  if (url === null) return { href: null, leads: text.includes(href) ? '' : href, warns: false };
  const read = text.replace(HIDDEN, '').trim().toLowerCase();
  const place = url.protocol === 'mailto:' ? url.pathname : url.host;
  const carried = url.protocol === 'mailto:' ? url.search : url.pathname + url.search + url.hash;
  const says = saysPlace(read, place.toLowerCase());
  const others = !says && url.protocol !== 'mailto:' && namesAnother(read, url);
  if (carried.length > LONG_CHARS && !read.includes(href.toLowerCase().replace(/^https?:\/\//, ''))) {
    return { href, leads: `opens ${place} with ${carried.length} characters added`, warns: others };
  }
  return { href, leads: says ? '' : others ? `opens ${place}` : place, warns: others };
}

function saysPlace(read: string, place: string): boolean {
  const rest = read.replace(/^(?:https?:\/\/|mailto:)/, '');
  return rest.startsWith(place) && /^(?:$|[/?#])/.test(rest.slice(place.length));
}

/** Whether the text names a computer other than the one the link leads to, or one above it. */
function namesAnother(read: string, { host, hostname }: URL): boolean {
  for (const [, scheme, name = ''] of read.matchAll(ADDRESS)) {
    if (scheme === undefined && NAMES.test(name)) continue;
    if (name !== hostname && name !== host && !hostname.endsWith(`.${name}`)) return true;
  }
  return false;
}
