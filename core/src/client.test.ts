import { expect, test } from 'vitest';
import { Emitter } from './base/emitter.ts';
import { newPeerId } from './base/ids.ts';
import { MeshClient } from './client.ts';
import type { ControlEvents } from './control/control.ts';
import type { OpenPeer } from './open-peer.ts';
import type { Offers } from './wire/control-protocol.ts';

/** In the place of a connection to a control plane. */
class StandInControl extends Emitter<ControlEvents> {
  offers: Offers | null = null;

  heard(offers: Offers): void {
    this.offers = offers;
    this.emit('offers', offers);
  }
}

test('two questions right after joining are both asked as soon as it is known what is offered (stand-in control)', async () => {
  const control = new StandInControl();
  const asked: string[] = [];
  const mesh = {
    async *ask({ model }: { model: string }) {
      asked.push(model);
      yield { type: 'asking', provider: newPeerId() };
    },
  };
  const client = new MeshClient({ control, mesh, close: async () => {} } as unknown as OpenPeer);
  const messages = [{ role: 'user' as const, content: 'why?' }];
  const answers = [client.chat({ messages }), client.chat({ messages })].map(async (answer) => {
    for await (const _ of answer.events()) return;
  });
  await settled();
  control.heard({ type: 'offers', peers: 1, providers: 1, models: [offer()] } as unknown as Offers);
  await settled();
  // Neither waits for its timer.
  expect(asked).toEqual(['tiny', 'tiny']);
  await Promise.all(answers);
});

/** All that waits for nothing but its turn has had it. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function offer() {
  return { id: 'tiny', name: 'Tiny', slots: 2, busySlots: 0, providers: 1, catalogued: true };
}
