/** The routes of `/v1`: each request is let in, carried out, and answered in OpenAI's words. */
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { MeshError } from '@llmesh/core/base/errors';
import { ApiError, asApiError } from './request/api-error.ts';
import { chatCompletions } from './chat-completions.ts';
import { completions } from './completions.ts';
import type { Door } from './door.ts';
import { embeddings, type EmbeddingsNeeds } from './embeddings.ts';
import { jsonBody } from './request/json-body.ts';
import type { EndpointNeeds } from './answer/respond.ts';

const OWN_HEADERS = ['x-request-id', 'x-llmesh-provider', 'x-llmesh-resumed', 'retry-after'];

export interface AppOptions extends EndpointNeeds, EmbeddingsNeeds {
  mesh: EndpointNeeds['mesh'] & EmbeddingsNeeds['mesh'];
  door: Door;
  /** Origins whose pages may read the answers; `*` is any. */
  origins: readonly string[];
  /** Reports a fault of the gateway itself. */
  failed: (error: unknown) => void;
}

interface Env {
  /** Who asks, as Node's server has it. */
  Bindings: { incoming: { socket: { remoteAddress?: string | undefined } } };
}

export function gatewayApp(options: AppOptions): Hono<Env> {
  const { door, models, origins, failed } = options;
  const app = new Hono<Env>({ getPath: ({ url }) => plainPath(new URL(url).pathname) });
  app.use(async (context, next) => {
    await next();
    context.res.headers.set('x-request-id', `req_${options.newId()}`);
  });
  if (origins.length > 0) {
    app.use(cors({ origin: origins.includes('*') ? '*' : [...origins], exposeHeaders: OWN_HEADERS }));
  }
  app.use('/v1/*', async (context, next) => {
    door.enter({ address: context.env.incoming.socket.remoteAddress ?? '', headers: context.req.header() });
    await next();
  });

  app.get('/v1/models', (context) => context.json({ object: 'list', data: models.list() }));
  // Clients name models as others do: "maker/model".
  app.get('/v1/models/:id{.+}', (context) => context.json(models.find(context.req.param('id'))));
  app.post('/v1/chat/completions', async (context) =>
    chatCompletions(await jsonBody(context.req.raw), options, context.req.raw.signal),
  );
  app.post('/v1/completions', async (context) =>
    completions(await jsonBody(context.req.raw), options, context.req.raw.signal),
  );
  app.post('/v1/embeddings', async (context) =>
    embeddings(await jsonBody(context.req.raw), options, context.req.raw.signal),
  );

  app.notFound((context) => {
    const { method, path } = context.req;
    const instead = path.startsWith('/v1') ? '' : ' End the base URL of your client with /v1.';
    const routes = app.routes.filter((route) => route.method !== 'ALL' && !route.path.includes(':'));
    const available = routes.map((route) => `${route.method} ${route.path}`).join(', ');
    const message = `${method} ${path} does not exist here.${instead} Available: ${available}.`;
    return errorResponse(new ApiError({ status: 404, type: 'invalid_request_error', code: 'not_found', message }));
  });
  app.onError((error) => {
    if (!(error instanceof ApiError) && !(error instanceof MeshError)) failed(error);
    return errorResponse(asApiError(error));
  });
  return app;
}

/** Base URLs are put together carelessly: slashes that stand twice or at the end change nothing. */
function plainPath(path: string): string {
  return path.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
}

function errorResponse(error: ApiError): Response {
  const { retryAfterSeconds } = error;
  const headers = { ...(retryAfterSeconds !== null && { 'retry-after': String(retryAfterSeconds) }) };
  return Response.json(error.body, { status: error.status, headers });
}
