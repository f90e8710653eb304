/** Calls a gateway that runs elsewhere. */
import { MeshError } from '@llmesh/core/base/errors';
import { codeOf } from '../node/mesh-trouble.ts';
import { webResponse } from '../web/outgoing.ts';
import { ProxyError } from '../web/proxy-choice.ts';
import type { CallApi } from './api-client.ts';

/** `address`: with or without the `/v1` at its end. `key`: null where it needs none. */
export function gatewayCaller(address: URL, key: string | null): CallApi {
  const base = address.href.replace(/\/+(?:v1\/*)?$/, '');
  return async (path, body, signal) => {
    const headers = {
      ...(body !== null && { 'content-type': 'application/json' }),
      ...(key !== null && { authorization: `Bearer ${key}` }),
    };
    const sent = body === null ? { method: 'GET' } : { method: 'POST', body: JSON.stringify(body) };
    try {
      const response = await webResponse(new URL(base + path), { ...sent, headers, signal });
      const status = response.statusCode ?? 0;
      if (status !== 401) return { status, body: response };
      response.destroy();
    } catch (thrown) {
      const why = thrown instanceof ProxyError ? thrown.message : `Nothing answers there (${codeOf(thrown)}).`;
      throw new MeshError('control_unreachable', `The gateway at ${base} cannot be asked. ${why}`, { cause: thrown });
    }
    const advice = key === null ? 'Put one into LLMESH_API_KEY.' : 'The one in LLMESH_API_KEY does not open it.';
    throw new MeshError('control_refused', `The gateway at ${base} wants a key. ${advice}`);
  };
}
