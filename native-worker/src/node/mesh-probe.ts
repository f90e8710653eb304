/** A closer look at what answers where a mesh should be. */
import { connect } from 'node:tls';

const PROBE_MS = 3_000;

/** The origin that it redirects to: the rest is a stranger's text. */
export function redirectOf(status: number, location: string | undefined, from: URL): string | null {
  if (status < 300 || status >= 400 || location === undefined || !URL.canParse(location, from.href)) return null;
  const { origin, protocol } = new URL(location, from);
  return /^https?:$/.test(protocol) && origin !== from.origin ? origin : null;
}

/** Never rejects. */
export function speaksTls({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, '');
    // Nothing is sent, so it does not matter whose certificate it is.
    const socket = connect({ host, port: Number(port) || 80, rejectUnauthorized: false, timeout: PROBE_MS });
    const end = (speaks: boolean) => {
      socket.destroy();
      resolve(speaks);
    };
    socket.once('secureConnect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.on('error', () => end(false));
  });
}
