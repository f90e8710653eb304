/** A bounded version of `npm run attack`: smaller crowds, one mesh for several attacks, and no figures on how long others wait. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { releaseMeshNodes } from 'llmesh/node/mesh-node';
import type { Attack } from './attack.ts';
import { ATTACKS } from './attacks/all.ts';
import { Target, type TargetOptions } from './target.ts';

const SCALE = 0.25;
const TIMEOUT_MS = 120_000;

/** Attacks on the same mesh run one after the other: each has to leave it whole. */
const meshes = new Map<string, Attack[]>();
for (const attack of ATTACKS.filter(({ quick }) => quick)) {
  const mesh = JSON.stringify(attack.mesh);
  meshes.set(mesh, [...(meshes.get(mesh) ?? []), attack]);
}

describe.each([...meshes])('a mesh of %s', (mesh, attacks) => {
  let target: Target;
  beforeAll(async () => {
    target = await Target.start(JSON.parse(mesh) as TargetOptions);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await target.stop();
    releaseMeshNodes();
  });

  it.each(attacks)(
    'holds against $name',
    async (attack) => {
      expect(await attack.run({ target, scale: SCALE })).toEqual({ held: true, now: expect.any(String) });
    },
    TIMEOUT_MS,
  );
});
