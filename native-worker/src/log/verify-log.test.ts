/** A lying server: whatever it does with its past, `llmesh verify` or a witness notices. */
import { beforeEach, describe, expect, it } from 'vitest';
import { balanceOf } from '@llmesh/core/ledger/readers';
import { MICRO, SUPPLY } from '@llmesh/core/ledger/credit';
import { readCheckpoint } from '@llmesh/log/note/checkpoint';
import { readNote } from '@llmesh/log/note/note';
import { ada, bob, eve, LyingLog } from '../testing/lying-log.ts';
import { verifyLog, type Earlier } from './verify-log.ts';

let log: LyingLog;
beforeEach(async () => {
  log = new LyingLog();
  await log.live(5);
});

function verify(earlier: Earlier | null = null) {
  const { policy, fetch, world } = log;
  const never = new AbortController().signal;
  return verifyLog({ policy, fetch, earlier, signal: never, progress: () => {}, now: () => world.ms });
}

/** What somebody has verified before. */
function seen(): Earlier {
  const checkpoint = readCheckpoint(readNote(Buffer.from(log.note))!.text)!;
  return { checkpoint, timeS: log.world.seconds, state: null };
}

describe('an honest server', () => {
  it('is found to be one, and the recount arrives at its balances', async () => {
    expect(await log.publish()).toBe(true);
    const { state, recounted } = await verify();
    expect(recounted).toBe(log.events.length);
    for (const peer of [ada, bob, eve]) {
      for (const kind of ['free', 'held', 'allowance'] as const) {
        const account = `${kind}:${peer.peerId}` as const;
        expect(balanceOf(state, account)).toBe(balanceOf(log.world.state, account));
      }
    }
    expect(balanceOf(state, `free:${eve.peerId}`)).toBe(1_000);
  });

  it('is verified from where it was left, in more than one bundle', async () => {
    await log.pass(260);
    await log.publish();
    const first = await verify();
    const earlier = { ...seen(), state: first.state };
    await log.live(2);
    await log.publish();
    const again = await verify(earlier);
    expect(again.recounted).toBe(log.events.length - first.recounted);
    expect(balanceOf(again.state, `free:${bob.peerId}`)).toBe(balanceOf(log.world.state, `free:${bob.peerId}`));
  });
});

describe('a lying server', () => {
  it('drops an event, and is found by who saw it, and by the witness', async () => {
    await log.publish();
    const earlier = seen();
    log.events.splice(2, 1);
    log.write({ kind: 'allowance', to: eve.peerId });
    expect(await log.publish({ cosigned: false })).toBe(false);
    await expect(verify()).rejects.toMatchObject({ code: 'not_final' });
    log.files.set('checkpoint', Buffer.from(log.note));
    await expect(verifyLog({ ...unwitnessed(), earlier })).rejects.toMatchObject({ code: 'inconsistent' });
  });

  it('drops the last events, and is found by who saw them', async () => {
    await log.publish();
    const earlier = seen();
    log.events.length -= 1;
    expect(await log.publish({ cosigned: false })).toBe(false);
    await expect(verifyLog({ ...unwitnessed(), earlier })).rejects.toMatchObject({ code: 'log_forked' });
  });

  it('forks the log: the witness signs one past only', async () => {
    await log.publish();
    const honest = log.events.at(-1)!;
    log.events[log.events.length - 1] = {
      ...(await log.world.order(bob, { kind: 'transfer', to: ada.peerId, amount: 1_000 })),
      ms: honest.ms,
    };
    expect(await log.publish({ cosigned: false })).toBe(false);
    await expect(verify()).rejects.toMatchObject({ code: 'not_final' });
  });

  it('back-dates an event: times only rise', async () => {
    log.write({ kind: 'allowance', to: eve.peerId }, log.world.ms - 3_600_001);
    await log.publish();
    await expect(verify()).rejects.toMatchObject({
      code: 'order_refused',
      message: expect.stringMatching(/dated before/),
    });
  });

  it('back-dates an event to before a witness signed without it', async () => {
    await log.publish();
    const earlier = seen();
    const before = log.world.ms;
    log.world.ms += 86_400_000;
    log.write({ kind: 'allowance', to: eve.peerId }, before);
    await log.publish();
    await expect(verify({ ...earlier, timeS: Math.floor(before / 1_000) + 3_600 })).rejects.toMatchObject({
      code: 'log_forked',
    });
  });

  it('dates an event into the future of its witness', async () => {
    log.write({ kind: 'allowance', to: eve.peerId }, log.world.ms + 3_600_000);
    await log.publish();
    await expect(verify()).rejects.toMatchObject({ code: 'log_forked' });
  });

  it('rewrites a receipt: the signatures are over every byte', async () => {
    const at = log.events.findIndex(({ kind }) => kind === 'earn');
    const event = log.events[at]!;
    if (event.kind !== 'earn' || event.proof.kind !== 'receipt') throw new Error('no receipt');
    const requester = event.proof.requester.with(120, event.proof.requester[120]! ^ 1);
    log.events[at] = { ...event, proof: { ...event.proof, requester } };
    await log.publish();
    await expect(verify()).rejects.toMatchObject({ message: expect.stringContaining(`Leaf ${at} `) });
  });

  it('files a receipt twice', async () => {
    log.events.push({ ...log.events.find(({ kind }) => kind === 'earn')!, ms: log.world.ms });
    await log.publish();
    await expect(verify()).rejects.toMatchObject({ message: expect.stringContaining('filed already') });
  });

  it.each([
    ['to itself by a grant that the treasury has not', { kind: 'grant', to: eve.peerId, amount: SUPPLY, reason: 'x' }],
    ['for being there, twice in one hour', { kind: 'uptime', epoch: 0, shares: [[eve.peerId, 1_000]] }],
    ['for an allowance, twice', { kind: 'allowance', to: ada.peerId }],
  ] as const)('mints emission %s', async (_how, body) => {
    if (body.kind === 'uptime') {
      const last = log.events.find(({ kind }) => kind === 'uptime');
      log.write({ ...body, epoch: last?.kind === 'uptime' ? last.epoch : 0, shares: [[eve.peerId, 1_000]] });
    } else log.write(body);
    await log.publish();
    await expect(verify()).rejects.toMatchObject({ code: expect.stringMatching(/order_refused|credits_short/) });
  });

  it('spends what somebody never ordered', async () => {
    const order = await log.world.order(eve, { kind: 'transfer', to: bob.peerId, amount: MICRO });
    if (order.kind !== 'order') throw new Error('no order');
    log.write({ ...order, record: order.record.with(100, order.record[100]! ^ 1) });
    await log.publish();
    await expect(verify()).rejects.toMatchObject({ code: 'order_refused' });
  });

  it('hides a leaf behind a partial tile', async () => {
    await log.publish();
    const [tile, bundle] = log.edge;
    log.files.set(tile!, log.files.get(tile!)!.subarray(0, -32));
    await expect(verify()).rejects.toMatchObject({ code: 'malformed' });
    await log.publish();
    log.files.delete(bundle!);
    await expect(verify()).rejects.toMatchObject({ code: 'missing' });
  });

  it('serves another event than it signed', async () => {
    await log.publish();
    const [, bundle] = log.edge;
    const bytes = log.files.get(bundle!)!;
    log.files.set(bundle!, bytes.with(bytes.length - 5, bytes.at(-5)! ^ 1));
    await expect(verify()).rejects.toMatchObject({ code: 'inconsistent' });
  });

  it('signs with another key', async () => {
    const other = new LyingLog(bob);
    await other.live(1);
    await log.publish();
    await other.publish();
    log.files.set('checkpoint', Buffer.from(other.note.replaceAll(other.signer.key.name, log.signer.key.name)));
    await expect(verify()).rejects.toMatchObject({ code: 'unsigned' });
  });
});

/** As by someone whose policy asks for no witness. */
function unwitnessed() {
  const { policy, fetch, world } = log;
  const none = { ...policy, quorum: { needs: 0, of: [] } };
  return { policy: none, fetch, signal: new AbortController().signal, progress: () => {}, now: () => world.ms };
}
