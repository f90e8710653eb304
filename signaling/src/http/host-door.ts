/** The first check for every HTTP request: was it meant for us? See `host-name.ts` in core for what that keeps out. */
import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { bringsKey, hostAdvice, type HostFault } from '@llmesh/core/base/host-guard';
import { sendError } from './api.ts';
import type { Hosts } from './hosts.ts';
import type { Metrics } from '../metrics.ts';
import { sendPage } from './pages.ts';

export const FORBIDDEN_HOST = 'forbidden_host';

export function hostDoor(hosts: Hosts, metrics: Metrics): RequestHandler {
  return (request, response, next) => {
    const fault = hosts.faultOf(request);
    if (fault === null || (fault.host !== null && showsKey(request))) return next();
    metrics.refuse('http', FORBIDDEN_HOST);
    const status = statusOf(fault);
    const advice = hostAdvice(fault);
    response.set('Cache-Control', 'no-store');
    if (isForGateway(request)) {
      const error = { type: 'invalid_request_error', code: FORBIDDEN_HOST, message: advice, param: null };
      response.status(status).json({ error });
    } else if (request.accepts(['json', 'html']) === 'html') {
      // A parsed host name cannot contain markup.
      sendPage(response, status, `<h1>Unknown host name</h1><p>${advice}</p>`);
    } else sendError(response, status, FORBIDDEN_HOST, advice);
  };
}

/** 421: https://www.rfc-editor.org/rfc/rfc9110#section-15.5.20 */
export function statusOf({ host }: HostFault): number {
  return host === null ? 400 : 421;
}

/** The gateway checks the key, by whatever name a container or a proxy calls this computer. */
function showsKey(request: IncomingMessage & { path: string }): boolean {
  return isForGateway(request) && bringsKey(request.headers);
}

function isForGateway({ path }: { path: string }): boolean {
  return path === '/v1' || path.startsWith('/v1/');
}
