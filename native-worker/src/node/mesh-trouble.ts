/** Why a mesh cannot be reached, in words that say what to do. Pure: what was seen comes from `mesh-dial.ts` and `mesh-api.ts`. */
import { hostAdvice } from '@llmesh/core/base/host-guard';

/** The finding of a failed attempt. */
export type MeshTrouble =
  /** Nothing yet, or nothing at all. */
  | { kind: 'silent' }
  /** `code` of Node or of its TLS. */
  | { kind: 'error'; code: string }
  /** It hangs up, but does speak TLS. */
  | { kind: 'speaks_https' }
  /** An HTTP answer where a WebSocket was asked for. `mesh`: the rest of it is one. */
  | { kind: 'status'; status: number; redirect: string | null; mesh: boolean }
  /** The proxy on the way, in words of `ProxyError`. */
  | { kind: 'proxy'; words: string }
  /** A WebSocket whose other end does not talk like a mesh. */
  | { kind: 'stranger' };

const UNTRUSTED = new Set([
  ...['DEPTH_ZERO_SELF_SIGNED_CERT', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ...['UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'CERT_UNTRUSTED', 'INVALID_CA'],
]);
const NO_WAY = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EHOSTDOWN', 'ENETDOWN']);

/** Whether it closed the connection without a word of HTTP, as servers do that expect TLS. */
export function hungUp(code: string): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(code) || code.startsWith('HPE_');
}

/** The most telling code in what Node and `ws` throw; for want of one, the message. */
export function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { code, cause } = thrown as Error & { code?: unknown };
  if (cause !== undefined && !(typeof code === 'string')) return codeOf(cause);
  // https://github.com/openssl/openssl/issues: one code for all, and the reason in the message.
  if (code === 'EPROTO' && /wrong version number|packet length too long/.test(thrown.message))
    return 'ERR_SSL_WRONG_VERSION_NUMBER';
  if (typeof code === 'string') return code;
  return thrown.name === 'Error' ? thrown.message : thrown.name;
}

export function troubleWords(address: URL, trouble: MeshTrouble): string {
  const { origin, hostname, host, port } = address;
  const door = port || (address.protocol === 'https:' ? '443' : '80');
  switch (trouble.kind) {
    case 'silent':
      return `${hostname} does not answer. It may be switched off, or something on the way keeps port ${door} closed.`;
    case 'stranger':
      return `What answers at ${origin} takes WebSockets, but does not speak the language of a mesh.`;
    case 'proxy':
      return trouble.words;
    case 'speaks_https':
      return `${host} speaks https: use https://${host}.`;
    case 'status':
      return statusWords(address, trouble);
    case 'error':
      return errorWords(trouble.code, { origin, hostname, host, door });
    default:
      return trouble satisfies never;
  }
}

interface Names {
  origin: string;
  hostname: string;
  host: string;
  door: string;
}

function errorWords(code: string, { origin, hostname, host, door }: Names): string {
  if (code === 'ENOTFOUND') return `No computer is called ${hostname}. Check how it is written.`;
  if (code === 'EAI_AGAIN')
    return `The name ${hostname} cannot be looked up right now. Check this computer's connection and its DNS.`;
  if (code === 'ECONNREFUSED')
    return `Nothing listens at ${origin}. Start a mesh there with "npm start", or give its address with --mesh.`;
  if (NO_WAY.has(code)) return `There is no route from here to ${hostname}. Check this computer's connection.`;
  if (code === 'ETIMEDOUT')
    return `${hostname} does not answer. It may be switched off, or something on the way keeps port ${door} closed.`;
  if (UNTRUSTED.has(code))
    return `The certificate of ${hostname} is signed by nobody whom this computer trusts (${code}). If it is yours, put the certificate that signed it into a file and set NODE_EXTRA_CA_CERTS to its path.`;
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return `The certificate of ${hostname} ${code === 'CERT_HAS_EXPIRED' ? 'has run out' : 'is not valid yet'}, as this computer's clock has it. Check the clock; if it is right, the operator of the mesh has to renew the certificate.`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `The certificate there is for other names than ${hostname}. Use the name that it was made for.`;
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER')
    return `${host} does not speak https. If it is a mesh without a certificate, use http://${host}.`;
  if (hungUp(code)) return `What listens at ${origin} hangs up at once. Is it a mesh, and is the port right?`;
  // Codes are Node's own words; anything longer is not.
  return `No connection to ${origin} could be made (${/^\w{1,60}$/.test(code) ? code : 'for an unknown reason'}).`;
}

function statusWords(address: URL, { status, redirect, mesh }: Extract<MeshTrouble, { kind: 'status' }>): string {
  const { origin, hostname } = address;
  if (redirect !== null) return `${origin} sends its visitors to ${redirect}: use that address.`;
  if (status === 421) return `${hostAdvice({ host: hostname })} Otherwise ask its operator.`;
  if (status === 401) return `${origin} asks for a name and a password, which no mesh does.`;
  if (status === 403) return `${origin} keeps this computer out (HTTP 403). Ask its operator.`;
  if (status === 429) return `${origin} has too many connections from your address. The next try comes on its own.`;
  if (status === 502 || status === 504)
    return `The proxy at ${origin} finds no mesh behind it (HTTP ${status}). Is the mesh running there?`;
  if (status === 503) return `${origin} is full, or a proxy there finds no mesh behind it (HTTP 503).`;
  if (status === 426 || mesh)
    return `There is a mesh at ${origin}, but the proxy in front of it passes no WebSockets on. It has to pass on the headers Upgrade and Connection for /mesh, /signal and /relay: see docs/run-a-mesh.md.`;
  return `What answers at ${origin} is not a mesh (HTTP ${status}). Check the address and its port.`;
}
