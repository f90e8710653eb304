/** A peer in Node that says that it has all of a model, and is not what it says. */
import { setTimeout as delay } from 'node:timers/promises';
import { realClock } from '@llmesh/core/base/clock';
import { BLOCK_BYTES, writeBlock } from '@llmesh/core/models/swarm/link/block';
import { openPeerPaths } from '@llmesh/core/open-peer';
import type { Channel } from '@llmesh/core/peers/channel';
import { Links } from '@llmesh/core/peers/links';
import { BULK_HIGH_WATER_BYTES } from '@llmesh/core/transport/transport';
import { nodeHost } from 'llmesh/node/mesh-node';
import type { OneFileModel } from './commands.ts';

const PIECE_BYTES = 1_048_576;
/** Until the index of holders has it. */
const TOLD_MS = 3_000;
const DRIP_MS = 5_000;

export type Deceit = 'wrong pieces' | 'silence' | 'what it lacks' | 'a block now and then';

export interface Liar {
  /** How many pieces it was asked for, and how many of them it sent to the end. */
  readonly asked: number;
  readonly sent: number;
  close(): void;
}

export async function lie(mesh: string, { content, layers }: OneFileModel, deceit: Deceit): Promise<Liar> {
  const address = new URL(mesh);
  const { transport, control } = await openPeerPaths(nodeHost(address), address);
  const liar = {
    asked: 0,
    sent: 0,
    close() {
      control.close();
      transport.close();
    },
  };
  new Links(transport, realClock, {
    opened: () => {},
    closed: () => {},
    message: (channel, message) => {
      if (channel.bulk !== null) channel.bulk.receive = () => {};
      if (message.kind === 'SEEK') channel.send({ kind: 'HAVE', content, bits: null });
      if (message.kind !== 'WANT') return;
      for (const want of message.wants) {
        const layer = want.what === 'layer' ? layers[want.file] : undefined;
        if (layer !== undefined) {
          void send(channel, want.id, layer);
          continue;
        }
        liar.asked += 1;
        if (deceit === 'what it lacks') channel.send({ kind: 'DECLINE', ids: [want.id] });
        else if (deceit !== 'silence') {
          const pauseMs = deceit === 'a block now and then' ? DRIP_MS : 0;
          void send(channel, want.id, new Uint8Array(PIECE_BYTES), pauseMs).then(() => (liar.sent += 1));
        }
      }
    },
  });
  control.start();
  while (control.state !== 'open') await delay(20);
  await transport.reachable(new AbortController().signal);
  control.hold([{ content, sha256: null, whole: true }], transport.certificate ?? null);
  await delay(TOLD_MS);
  return liar;
}

async function send(channel: Channel, id: number, bytes: Uint8Array, pauseMs = 0): Promise<void> {
  const { bulk } = channel;
  for (let at = 0; at < bytes.byteLength && channel.open; at += BLOCK_BYTES) {
    while (channel.open && (bulk?.bufferedBytes ?? 0) > BULK_HIGH_WATER_BYTES) await delay(5);
    bulk?.send(writeBlock(id, bytes, at));
    if (pauseMs > 0) await delay(pauseMs);
  }
}
