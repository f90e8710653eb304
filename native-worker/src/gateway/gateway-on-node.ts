/** The routes of the gateway on one node of a mesh, whoever calls them. */
import { toBase32 } from '@llmesh/core/base/base32';
import { realClock, type Clock } from '@llmesh/core/base/clock';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { gatewayApp, type AppOptions } from './app.ts';
import { Conversations } from './answer/conversations.ts';
import { Line } from './answer/line.ts';
import type { OwnAdapter } from '../models/lora/own-adapters.ts';
import { Adapters } from './request/adapters.ts';
import { Models } from './request/models.ts';
import { KeptResponses } from './responses/kept-responses.ts';

const ID_BYTES = 15;
/** What waits for it keeps no program from ending. */
const background: Clock = {
  now: () => realClock.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms).unref();
    return () => clearTimeout(timer);
  },
};

export interface OnNodeOptions extends Pick<AppOptions, 'door' | 'origins' | 'circles' | 'checks' | 'failed'> {
  /** Adapters that it gives to whoever answers: the node shares them. Left out: none. */
  adapters?: readonly OwnAdapter[];
}

export function gatewayOnNode(
  { mesh, control }: Pick<OpenPeer, 'mesh' | 'control'>,
  { adapters = [], ...options }: OnNodeOptions,
): ReturnType<typeof gatewayApp> {
  return gatewayApp({
    ...options,
    mesh,
    clock: realClock,
    now: Date.now,
    line: new Line(),
    conversations: new Conversations(),
    kept: new KeptResponses(background),
    models: new Models(() => control.offers, Date.now, new Adapters(adapters)),
    account: () => control.account,
    newId: () => toBase32(randomBytes(ID_BYTES)),
  });
}
