/** The routes of `/v1`: each request is let in, carried out, and answered in the words of its API. */
import { Hono, type Context } from 'hono';
import { cors } from 'hono/cors';
import { MeshError } from '@llmesh/core/base/errors';
import type { Mesh } from '@llmesh/core/mesh';
import { ApiError, asApiError } from './request/api-error.ts';
import { COST_HEADER, PRICE_HEADER, RequestBill, type Shortfall } from './answer/request-bill.ts';
import { balanceOf, DRY_RUN_HEADER, dryRunIn } from './balance.ts';
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
  COST_HEADER,
  PRICE_HEADER,
  'retry-after',
];

export interface AppOptions
  extends Omit<ResponsesNeeds, 'mesh' | 'isDryRun'>, Omit<EmbeddingsNeeds, 'mesh' | 'isDryRun'> {
  mesh: Pick<Mesh, 'ask' | 'embed' | 'quote'>;
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
  Variables: { caller: string; requestId: string; checks: RequestChecks; bill: RequestBill };
}

export function gatewayApp(options: AppOptions): Hono<Env> {
  const { door, models, origins, failed, kept, account } = options;
  /** What the route reads, and with what it carries that out. */
  const read = async ({ req, get }: Context<Env>) => {
    const { body, isDryRun } = dryRunIn(await jsonBody(req.raw), req.header(DRY_RUN_HEADER));
    return { body, needs: { ...options, mesh: get('bill').mesh, isDryRun }, signal: req.raw.signal };
  };
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
    const bill = new RequestBill(checks.mesh);
    context.set('checks', checks);
    context.set('bill', bill);
    await next();
    const { headers } = context.res;
    const isWhole = headers.get('content-type')?.startsWith('text/event-stream') !== true;
    for (const [name, value] of Object.entries(bill.headers(isWhole))) headers.set(name, value);
    if (checks.allowed !== null) context.res.headers.set(CHECKS_HEADER, checks.allowed ? 'allowed' : 'declined');
  });

  app.get('/v1/models', (context) => context.json({ object: 'list', data: models.list() }));
  // Clients name models as others do: "maker/model".
  app.get('/v1/models/:id{.+}', (context) => context.json(models.find(context.req.param('id'))));
  app.get('/v1/llmesh/balance', (context) => context.json(balanceOf(account())));
  app.post('/v1/chat/completions', async (context) => {
    const { body, needs, signal } = await read(context);
    return chatCompletions(body, needs, signal);
  });
  app.post('/v1/completions', async (context) => {
    const { body, needs, signal } = await read(context);
    return completions(body, needs, signal);
  });
  app.post('/v1/embeddings', async (context) => {
    const { body, needs, signal } = await read(context);
    return embeddings(body, needs, signal);
  });

  app.post('/v1/responses', async (context) => {
    const { body, needs, signal } = await read(context);
    return responses(body, context.get('caller'), needs, signal);
  });
  app.post('/v1/messages', async (context) => {
    const { body, needs, signal } = await read(context);
    return messages(body, context.get('requestId'), needs, signal);
  });
  app.post('/v1/messages/count_tokens', async (context) => {
    const { body, needs, signal } = await read(context);
    return messageTokens(body, needs, signal);
  });
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
    const answer = asApiError(error);
    const short = answer.status === PAYMENT_REQUIRED ? context.get('bill').shortfall(account()) : null;
    return errorResponse(answer, isAnthropic ? context.get('requestId') : null, short);
  });
  return app;
}

/** Base URLs are put together carelessly: slashes that stand twice or at the end change nothing. */
function plainPath(path: string): string {
  return path.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1');
}

const PAYMENT_REQUIRED = 402;

/** `anthropicId`: the id of a request of Anthropic's API, for errors in its shape. `short`: the credits that are missing. */
function errorResponse(error: ApiError, anthropicId: string | null = null, short: Shortfall | null = null): Response {
  const { retryAfterSeconds } = error;
  const headers = { ...(retryAfterSeconds !== null && { 'retry-after': String(retryAfterSeconds) }) };
  const body = anthropicId === null ? error.body : messageError(error, anthropicId);
  if (short !== null) Object.assign(body.error, { llmesh: short });
  return Response.json(body, { status: error.status, headers });
}
