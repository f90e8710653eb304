/** Calls a gateway of its own, inside this program, on a node that joins the mesh at the first call. */
import { onAbort } from '@llmesh/core/base/abort';
import { realClock } from '@llmesh/core/base/clock';
import { cancelled, MeshError } from '@llmesh/core/base/errors';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { Door } from '../gateway/door.ts';
import { gatewayOnNode } from '../gateway/gateway-on-node.ts';
import { readyOnMesh } from '../node/mesh-connection.ts';
import { leaveMesh, openMeshNode } from '../node/mesh-node.ts';
import type { CallApi } from './api-client.ts';

/** Only the program that started us calls, and waits in its line as any client of a gateway does. */
const RATE = { perSecond: 100, burst: 1_000 };
const HERE = { incoming: { socket: { remoteAddress: '127.0.0.1' } } };

export interface MeshCallerOptions {
  mesh: URL;
  /** Keeps the address of this computer from volunteers. */
  hidden: boolean;
  /** Reports a fault of our own. */
  failed: (error: unknown) => void;
}

interface Joined {
  node: OpenPeer;
  app: ReturnType<typeof gatewayOnNode>;
}

export class MeshCaller {
  readonly #options: MeshCallerOptions;
  #joined: Promise<Joined> | null = null;

  constructor(options: MeshCallerOptions) {
    this.#options = options;
  }

  readonly call: CallApi = async (path, body, signal) => {
    const { node, app } = await (this.#joined ??= this.#join());
    await this.#ready(node, signal);
    const sent = {
      method: body === null ? 'GET' : 'POST',
      headers: { host: 'localhost', ...(body !== null && { 'content-type': 'application/json' }) },
      ...(body !== null && { body: JSON.stringify(body) }),
    };
    const response = await app.request(path, { ...sent, signal }, HERE);
    return { status: response.status, body: response.body ?? new Blob([]).stream() };
  };

  /** Leaves the mesh. Idempotent. */
  async close(): Promise<void> {
    const joined = this.#joined;
    this.#joined = null;
    if (joined !== null) await leaveMesh((await joined).node);
  }

  async #join(): Promise<Joined> {
    const { mesh, hidden, failed } = this.#options;
    const node = await openMeshNode(mesh, { hidden });
    const door = new Door({ keys: [], open: true, proxied: false, rate: RATE, clock: realClock });
    return {
      node,
      app: gatewayOnNode(node, { door, origins: [], circles: { own: [], trusted: [] }, checks: true, failed }),
    };
  }

  /** Rejects where the mesh does not answer within a few seconds: whoever asks can ask again. */
  async #ready(node: OpenPeer, signal: AbortSignal): Promise<void> {
    const { control } = node;
    const given = new AbortController();
    let stop = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (reason: string) => {
          const message = `The mesh at ${this.#options.mesh.origin} cannot be asked. ${reason}`;
          reject(new MeshError('control_unreachable', message));
        };
        const refused = () => {
          if (control.state === 'refused') fail(control.refusal?.message ?? 'It refuses this computer.');
        };
        const stopAborting = onAbort(signal, () => reject(cancelled()));
        const stopListening = control.on('state', refused);
        stop = () => {
          stopAborting();
          stopListening();
        };
        refused();
        readyOnMesh({ node, listed: () => true, waits: fail }, given.signal).then(resolve, reject);
      });
    } finally {
      stop();
      given.abort();
    }
  }
}
