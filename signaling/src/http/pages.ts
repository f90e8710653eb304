/** The built page and the mesh's own model files, as static files. */
import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import express, {
  Router,
  type ErrorRequestHandler,
  type NextFunction,
  type RequestHandler,
  type Response,
} from 'express';
import type { Logger } from 'pino';
import { placeAt } from '@llmesh/core/wire/pages';
import { sendError } from './api.ts';
import { packedFiles, unpacked } from './packed-files.ts';

/** What lies below these is no page, and is missed by programs and scripts: they get no page that says so. */
const NO_PAGES = /^\/(?:api|assets|mesh|signal|relay|models|log|v1|healthz|metrics)(?:\/|$)/;
/** Types that the table of `send` does not know, or might know otherwise. */
const TYPES: Record<string, string> = {
  '.wasm': 'application/wasm',
  '.gguf': 'application/octet-stream',
  '.webmanifest': 'application/manifest+json',
  '.mjs': 'text/javascript; charset=utf-8',
};

export interface PagesOptions {
  /** The folder that `vite build` wrote. */
  webFolder: string;
  /** `models/` of the repository, or one like it. */
  modelsFolder: string | null;
}

export function pagesRouter({ webFolder, modelsFolder }: PagesOptions): Router {
  const router = Router();
  const sendShell = (response: Response, next: NextFunction) => {
    response.set('Cache-Control', 'no-cache');
    if (!existsSync(join(webFolder, 'index.html'))) return sendPage(response, 503, NOT_BUILT);
    response.sendFile('index.html', { root: webFolder, cacheControl: false }, (error?: Error) => {
      if (error !== undefined) next(error);
    });
  };
  router.get(/.*/, (request, response, next) => {
    const place = placeAt(request.path);
    if (place === null) return next();
    response.set('Cache-Control', 'no-cache');
    // Whoever wants JSON took the address of the page for that of the API; so did who asks for models and takes anything.
    const types = place.page === 'models' ? ['json', 'html'] : ['html', 'json'];
    if (request.accepts(types) === 'json') return adviseClient(response);
    sendShell(response, next);
  });
  if (modelsFolder !== null) router.use('/models', onlyModelFiles, serve(modelsFolder));
  router.use(packedFiles(serve(webFolder)));
  // The page itself says that there is none at this address: a visitor who mistyped one is not out of it.
  router.get(/.*/, (request, response, next) => {
    const visitor = !NO_PAGES.test(request.path) && request.accepts(['json', 'html']) === 'html';
    if (!visitor || !existsSync(join(webFolder, 'index.html'))) return next();
    response.status(404);
    sendShell(response, next);
  });
  return router;
}

export const notFound: RequestHandler = (request, response) => {
  response.set('Cache-Control', 'no-cache');
  const reads = request.method === 'GET' || request.method === 'HEAD';
  if (reads && request.accepts(['json', 'html']) === 'html') sendPage(response, 404, NOT_FOUND);
  else adviseClient(response);
};

/** Most programs that ask here for what there is not are clients whose base URL is incomplete. */
function adviseClient(response: Response): void {
  const error = { type: 'invalid_request_error', code: 'not_found', message: NOT_FOUND_ADVICE, param: null };
  response.status(404).json({ error });
}

/** Addresses are put together carelessly: a slash that stands twice counts once. */
export const plainPath: RequestHandler = (request, _response, next) => {
  const [path = '', query] = request.url.split(/(?=\?)/, 2);
  if (path.startsWith('/')) request.url = path.replaceAll(/\/{2,}/g, '/') + (query ?? '');
  next();
};

export function failed(log: Logger): ErrorRequestHandler {
  return (error: Error & { status?: number }, _request, response, next) => {
    if (response.headersSent) return next(error);
    const status = error.status ?? 500;
    if (status >= 500) log.error({ err: error }, 'a request failed');
    if (status < 500) sendError(response, status, 'bad_request', 'This request makes no sense.');
    else sendError(response, status, 'failed', 'The server failed. Its log says why.');
  };
}

/** `models/` also holds the program that trains the tiny model. */
const onlyModelFiles: RequestHandler = (request, _response, next) => {
  next(['.json', '.gguf'].includes(extname(request.path)) ? undefined : 'router');
};

function serve(folder: string): RequestHandler {
  return express.static(folder, {
    index: false,
    redirect: false,
    cacheControl: false,
    setHeaders: (response: Response, path) => {
      const original = unpacked(response, path);
      const type = TYPES[extname(original)] ?? (original === path ? undefined : extname(original));
      if (type !== undefined) response.type(type);
      // Vite names the files in assets/ by their content. All others keep their names when they change.
      const hashed = path.startsWith(join(folder, 'assets'));
      response.setHeader('Cache-Control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
}

export function sendPage(response: Response, status: number, body: string): void {
  response.status(status).type('html').send(`<!doctype html><html lang="en"><title>LLMesh</title>${body}</html>`);
}

const NOT_BUILT =
  '<h1>The page is not built yet</h1><p>Run <code>npm start</code>, which builds it, or <code>npm run build</code>, and reload.</p>';
const NOT_FOUND_ADVICE =
  'There is nothing at this address. The OpenAI-compatible API is under /v1: end the base URL of your client with it. /healthz says whether the mesh is up.';
const NOT_FOUND = '<h1>Nothing here</h1><p>Go to <a href="/">the mesh</a>.</p>';
