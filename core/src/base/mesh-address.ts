/**
 * Reads the address of a mesh as an origin. People also copy addresses of its pages, below that, out of their browsers. Behind
 * `#`, which no server is sent, it may say which network has to be there.
 */
import { MeshError } from './errors.ts';
import { addressIn, networkIn } from './ids.ts';

const PAGES = ['/', '/donate', '/network', '/credits', '/votes'];

/** Throws control_unreachable for an address that leads somewhere else than it seems to. */
export function originOfMesh(url: URL): URL {
  const origin = `${url.protocol}//${url.host}`;
  if (url.username !== '' || url.password !== '') {
    throw new MeshError(
      'control_unreachable',
      `The address of a mesh has no user name and no password. Use ${origin}.`,
    );
  }
  if (!PAGES.includes(url.pathname.replace(/(?<=.)\/$/, ''))) {
    const message = `A mesh lives at the root of its host, not under ${url.pathname}: use ${origin}. Behind a proxy it needs a host name of its own.`;
    throw new MeshError('control_unreachable', message);
  }
  const network = networkIn(url);
  return network === null ? new URL(origin) : addressIn(new URL(origin), network);
}
