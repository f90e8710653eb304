/** Control planes in which every answer is checked at once, at addresses that a proxy names, for all tests of a file. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { AuditsSchema, type Audits } from '@llmesh/core/wire/api-pages';
import * as v from 'valibot';
import { startControlPlane, type ControlPlane, type ControlPlaneOptions } from '../server.ts';
import { FILE } from './audits.ts';

/** Honest noise of the engines that `audits.ts` names. */
const CALIBRATION = {
  ...{ provider: 'llama.cpp/cpu', auditor: 'llama.cpp/cpu', mode: 'seed', file: FILE },
  ...{ mean: 0.01, answers: 9, tokens: 99, measured: 'here' },
};

export interface AuditedPlanes {
  /** What is left out of `options.audits` is so that an answer is checked as soon as it is filed. */
  start(options?: Partial<ControlPlaneOptions>): Promise<ControlPlane>;
  /** A data folder of this name. */
  folder(name: string): string;
}

/** Call it where tests are declared: every plane ends with its test, every folder with the last of them. */
export function auditedPlanes(): AuditedPlanes {
  let root = '';
  const planes: ControlPlane[] = [];
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'llmesh-audited-'));
    await writeFile(join(root, 'calibrations.json'), JSON.stringify([CALIBRATION]));
  });
  afterEach(async () => {
    await Promise.all(planes.splice(0).map((plane) => plane.close()));
  });
  afterAll(() => rm(root, { recursive: true }));
  return {
    async start(options = {}) {
      const calibrationsFile = join(root, 'calibrations.json');
      const plane = await startControlPlane({
        ...{ port: 0, host: '127.0.0.1', webFolder: root, joinWorkBits: 0, trustProxy: true, calibrationsFile },
        ...options,
        audits: { share: 1, epochMs: 10, tenureMs: 0, ...options.audits },
      });
      planes.push(plane);
      return plane;
    },
    folder: (name) => join(root, name),
  };
}

/** What it tells everybody about its checks. */
export async function auditsPage({ port }: ControlPlane): Promise<Audits> {
  return v.parse(AuditsSchema, await (await fetch(`http://127.0.0.1:${port}/api/audits`)).json());
}
