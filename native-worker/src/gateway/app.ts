/** The routes of `/v1`: each request is let in, carried out, and answered in the words of its API. */
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { MeshError } from '@llmesh/core/base/errors';
import { ApiError, asApiError } from './request/api-error.ts';
import { chatCompletions } from './chat-completions.ts';
import { completions } from './completions.ts';
import { CHECKS_HEADER, RequestChecks } from './checks.ts';
import type { Door } from './door.ts';
import { embeddings, type EmbeddingsNeeds } from './embeddings.ts';
import { jsonBody } from './request/json-body.ts';
import { messages, messageTokens } from './messages/messages.ts';
import { messageError } from './messages/message-error.ts';
import { deleted, inputItems, responses, type ResponsesNeeds } from './responses/responses.ts';

const OWN_HEADERS = [
  'x-request-id',
  'request-id',
  'x-llmesh-provider',
  'x-llmesh-resumed',
  CHECKS_HEADER,
  'retry-after',
];

export interface AppOptions extends ResponsesNeeds, EmbeddingsNeeds {
  mesh: ResponsesNeeds['mesh'] & EmbeddingsNeeds['mesh'];
  door: Door;
  /** Other volunteers may check answers, unless a request says no. */
  checks: boolean;
  /** Origins whose pages may read the answers; `*` is any. */
  origins: readonly string[];
  /** Reports a fault of the gateway itself. */
  failed: (error: unknown) => void;
}

interface Env {
  /** Who asks, as Node's server has it. */
  Bindings: { incoming: { socket: { remoteAddress?: string | undefined } } };
  /** `caller`: who asks, as the door tells them apart. */
  Variables: { caller: string; requestId: string; checks: RequestChecks };
}

export function gatewayApp(options: AppOptions): Hono<Env> {
  const { door, models, origins, failed, kept } = options;
  const needs = (context: { get: (key: 'checks') => RequestChecks }) => ({
    ...options,
    mesh: context.get('checks').mesh,
  });
  const app = new Hono<Env>({ getPath: ({ url }) => plainPath(new URL(url).pathname) });
  app.use(async (context, next) => {
    const requestId = `req_${options.newId()}`;
    context.set('requestId', requestId);
    await next();
    // Anthropic's clients read the second one.
    context.res.headers.set('x-request-id', requestId);
    context.res.headers.set('request-id', requestId);
  });
  if (origins.length > 0) {
    app.use(cors({ origin: origins.includes('*') ? '*' : [...origins], exposeHeaders: OWN_HEADERS }));
  }
  app.use('/v1/*', async (context, next) => {
    const { remoteAddress = '' } = context.env.incoming.socket;
    context.set('caller', door.enter({ address: remoteAddress, headers: context.req.header() }));
    const declined = !options.checks || context.req.header(CHECKS_HEADER) === 'declined';
    const checks = new RequestChecks(options.mesh, declined);
    context.set('checks', checks);
    await next();
    if (checks.allowed !== null) context.res.headers.set(CHECKS_HEADER, checks.allowed ? 'allowed' : 'declined');
  });

  app.get('/v1/models', (context) => context.json({ object: 'list', data: models.list() }));
  // Clients name models as others do: "maker/model".
  app.get('/v1/models/:id{.+}', (context) => context.json(models.find(context.req.param('id'))));
  app.post('/v1/chat/completions', async (context) =>
    chatCompletions(await jsonBody(context.req.raw), needs(context), context.req.raw.signal),
  );
  app.post('/v1/completions', async (context) =>
    completions(await jsonBody(context.req.raw), needs(context), context.req.raw.signal),
  );
  app.post('/v1/embeddings', async (context) =>
    embeddings(await jsonBody(context.req.raw), options, context.req.raw.signal),
  );

  app.post('/v1/responses', async (context) =>
    responses(await jsonBody(context.req.raw), context.get('caller'), needs(context), context.req.raw.signal),
  );
  app.post('/v1/messages', async (context) =>
    messages(await jsonBody(context.req.raw), context.get('requestId'), needs(context), context.req.raw.signal),
  );
  app.post('/v1/messages/count_tokens', async (context) =>
    messageTokens(await jsonBody(context.req.raw), options, context.req.raw.signal),
  );
  app.get('/v1/responses/:id', (context) =>
    context.json(kept.find(context.get('caller'), context.req.param('id')).response),
  );
  app.get('/v1/responses/:id/input_items', (context) =>
    context.json(inputItems(kept, context.get('caller'), context.req.param('id'))),
  );
  app.delete('/v1/responses/:id', (context) =>
    context.json(deleted(kept, context.get('caller'), context.req.param('id'))),
  );

  app.notFound((context) => {
    const { method, path } = context.req;
    const instead = path.startsWith('/v1') ? '' : ' End the base URL of your client with /v1.';
    const routes = app.routes.filter((route) => route.method !== 'ALL' && !route.path.includes(':'));
    const available = routes.map((route) => `${route.method} ${route.path}`).join(', ');
    const message = `${method} ${path} does not exist here.${instead} Available: ${available}.`;
    return errorResponse(new ApiError({ status: 404, type: 'invalid_request_error', code: 'not_found', message }));
  });
  app.onError((error, context) => {
    if (!(error instanceof ApiError) && !(error instanceof MeshError)) failed(error);
    const isAnthropic = /^\/v1\/messages\b/.test(context.req.path);
    return errorResponse(asApiError(error), isAnthropic ? context.get('requestId') : null);
  });
  return app;
}

/** Base URLs are put together carelessly: slashes that stand twice or at the end change nothing. */
function plainPath(path: string): string {
  return path.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
}

/** `anthropicId`: the id of a request of Anthropic's API, for errors in its shape. */
function errorResponse(error: ApiError, anthropicId: string | null = null): Response {
  const { retryAfterSeconds } = error;
  const headers = { ...(retryAfterSeconds !== null && { 'retry-after': String(retryAfterSeconds) }) };
  const body = anthropicId === null ? error.body : messageError(error, anthropicId);
  return Response.json(body, { status: error.status, headers });
}
