/** For tests: a control plane and workers as processes of their own, and a peer of ours beside them. */
import { afterAll, beforeAll } from 'vitest';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { openMeshNode, releaseMeshNodes } from '../node/mesh-node.ts';
import { startControlPlane, type Running } from './process.ts';

export class MeshOfProcesses {
  /** Processes that are killed at the end. */
  readonly started: Running[] = [];
  url = '';
  #client: OpenPeer | null = null;

  /** Sets it up for the tests of this block. `env`: the control plane's; `cleanUp`: called when all processes have ended. */
  static forTests(env: Record<string, string>, cleanUp: () => void): MeshOfProcesses {
    const mesh = new MeshOfProcesses();
    beforeAll(() => mesh.#start(env));
    afterAll(async () => {
      await mesh.#stop();
      cleanUp();
    });
    return mesh;
  }

  get client(): OpenPeer {
    if (this.#client === null) throw new Error('The mesh is not there yet.');
    return this.#client;
  }

  async #start(env: Record<string, string>): Promise<void> {
    const plane = await startControlPlane(0, env);
    this.started.push(plane.process);
    this.url = plane.url;
    this.#client = await openMeshNode(new URL(plane.url));
  }

  async #stop(): Promise<void> {
    await this.#client?.close();
    releaseMeshNodes();
    for (const running of this.started) running.kill('SIGKILL');
    await Promise.all(this.started.map((running) => running.exited));
  }
}
