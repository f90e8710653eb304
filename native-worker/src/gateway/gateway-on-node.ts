/** The routes of the gateway on one node of a mesh, whoever calls them. */
import { toBase32 } from '@llmesh/core/base/base32';
import { realClock, type Clock } from '@llmesh/core/base/clock';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { gatewayApp, type AppOptions } from './app.ts';
import { Conversations } from './answer/conversations.ts';
import { Line } from './answer/line.ts';
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

export type OnNodeOptions = Pick<AppOptions, 'door' | 'origins' | 'circles' | 'checks' | 'failed'>;

export function gatewayOnNode(
  { mesh, control }: Pick<OpenPeer, 'mesh' | 'control'>,
  options: OnNodeOptions,
): ReturnType<typeof gatewayApp> {
  return gatewayApp({
    ...options,
    mesh,
    clock: realClock,
    now: Date.now,
    line: new Line(),
    conversations: new Conversations(),
    kept: new KeptResponses(background),
    models: new Models(() => control.offers, Date.now),
    account: () => control.account,
    newId: () => toBase32(randomBytes(ID_BYTES)),
  });
}
