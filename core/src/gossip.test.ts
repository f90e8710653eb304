/** A log shows two faces: those who were shown them tell each other, over links that they have anyway. */
import { expect, it } from 'vitest';
import { ScriptedEngine } from './testing/scripted-engine.ts';
import { consume, never, question, World } from './testing/mesh-world.ts';
import type { CheckpointNews } from './wire/credit-messages.ts';

const SETTLED_MS = 6_000;
const shown = (root: string): CheckpointNews => ({
  ...{ type: 'checkpoint', note: `log\n7\n${root}\n\n— log c2ln\n` },
  ...{ from: 0, proof: [], final: false },
});

it('both ends of a link hear what the other was shown', async () => {
  const w = new World();
  const provider = await w.provide(new ScriptedEngine(['a']));
  const requester = await w.join();
  const heard: string[] = [];
  provider.mesh.checkpoints.on('heard', (note, from) => heard.push(`${from} ${note}`));
  requester.checkpoints.on('heard', (note, from) => heard.push(`${from} ${note}`));
  provider.mesh.checkpoints.shown(shown('one'));
  requester.checkpoints.shown(shown('two'));
  consume(requester.ask(question(), never));
  await w.clock.advance(SETTLED_MS);
  expect(new Set(heard)).toEqual(
    new Set([`${requester.self} ${shown('two').note}`, `${provider.mesh.self} ${shown('one').note}`]),
  );
});
