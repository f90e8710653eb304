/** Static files as the build packed them beside the originals: `page.js.br`, `page.js.gz`. Nothing is compressed while a visitor waits. */
import { extname } from 'node:path';
import type { RequestHandler, Response } from 'express';

/** What browsers ask for, best first. Over plain HTTP they know no Brotli. */
const PACKINGS = { br: '.br', gzip: '.gz' } as const;
const NAMES = Object.keys(PACKINGS) as (keyof typeof PACKINGS)[];

/**
 * Lets `files`, which serves a folder, answer with the packed one where the client takes it and it is there; it sees the
 * request for the original otherwise. See RFC 9110, section 12.5.3.
 */
export function packedFiles(files: RequestHandler): RequestHandler {
  return (request, response, next) => {
    const reads = request.method === 'GET' || request.method === 'HEAD';
    // A folder, or a route of its own.
    if (!reads || extname(request.path) === '') return files(request, response, next);
    response.vary('Accept-Encoding');
    // Browsers name them in the order in which they came up.
    const packing = NAMES.find((name) => request.acceptsEncodings(name) === name);
    if (packing === undefined) return files(request, response, next);
    const { url } = request;
    request.url = url.replace(/(?=\?|$)/, PACKINGS[packing]);
    files(request, response, (error?: unknown) => {
      request.url = url;
      if (error !== undefined) next(error);
      else files(request, response, next);
    });
  };
}

/** The file that is inside a packed one; says how it is packed. For the `setHeaders` of who serves it. */
export function unpacked(response: Response, path: string): string {
  const packing = NAMES.find((name) => PACKINGS[name] === extname(path));
  if (packing === undefined) return path;
  response.setHeader('Content-Encoding', packing);
  return path.slice(0, -PACKINGS[packing].length);
}
