/** Whether other volunteers may read and check the answer to one request: as its owner, or the gateway's, says. */
import type { Mesh } from '@llmesh/core/mesh';

/** On a request: `declined`. On an answer: `allowed` or `declined`. */
export const CHECKS_HEADER = 'x-llmesh-checks';

type Asked = Pick<Mesh, 'ask' | 'embed' | 'quote'>;

export class RequestChecks {
  /** The mesh, as this request may ask it. */
  readonly mesh: Asked;
  /** Null: no answer was asked for. */
  allowed: boolean | null = null;

  constructor(mesh: Asked, declined: boolean) {
    this.mesh = {
      ask: (request, signal) => {
        // What only named computers may answer is never shown to others.
        const checks = !declined && request.only === null;
        this.allowed = (this.allowed ?? true) && checks;
        return mesh.ask({ ...request, checks }, signal);
      },
      embed: (request, signal) => mesh.embed(request, signal),
      quote: (request) => mesh.quote(request),
    };
  }
}
