/** `llmesh verify` against a mesh that is a lying log behind HTTP: exit codes, what it keeps, what it compares. */
import { createServer, type Server } from 'node:http';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PeerId } from '@llmesh/core/base/ids';
import { peerBalances } from '@llmesh/core/ledger/readers';
import { writeKey } from '@llmesh/log/note/key';
import { Output } from '../../cli/output.ts';
import { EXIT_LIES, runVerify, type VerifyCommandOptions } from './verify-command.ts';
import { bob, LyingLog } from '../../testing/lying-log.ts';

let folder: string;
let log: LyingLog;
let server: Server;
/** Micro-credits that the mesh shows too much for Bob. */
let added: number;
/** Changes since the checkpoint, as the mesh lists them. */
let since: { index: number; amount: number }[];
const printed: Record<string, unknown>[] = [];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'llmesh-verify-'));
  [added, since] = [0, []];
  printed.length = 0;
  log = new LyingLog();
  await log.live(3);
  await log.publish();
  log.files.set('policy', Buffer.from(policyText()));
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://mesh');
    const answer = url.pathname.startsWith('/log/') ? log.files.get(url.pathname.slice(5)) : pageFor(url);
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed.push(JSON.parse(String(text)) as Record<string, unknown>);
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

function policyText(): string {
  return `log ${writeKey(log.signer.key)}\nwitness w ${writeKey(log.policy.witnesses[0]!.key)}\nquorum w\n`;
}

/** What people are shown. */
function pageFor(url: URL): string | undefined {
  const peer = url.searchParams.get('peer') as PeerId;
  if (url.pathname === '/api/postings') {
    const postings = since.map(({ index, amount }) => ({
      ...{
        index,
        ms: 1,
        account: 'free',
        amount,
        reason: 'transfer',
        other: null,
        lease: null,
        model: null,
        units: null,
      },
      ...{ why: '', final: false },
    }));
    return JSON.stringify({ postings: peer === bob.peerId ? postings : [] });
  }
  if (url.pathname !== '/api/account') return undefined;
  const balances = peerBalances(log.world.state, peer);
  const free = balances.free + (peer === bob.peerId ? added : 0);
  const account = { type: 'account', mode: 'priority', pending: 0, ...balances, free };
  return JSON.stringify({
    ...{ account, alias: null, today: { tasks: 0, uptime: 0, audits: 0 }, earned: 0, releases: [], weight: 0 },
  });
}

async function verify(options: VerifyCommandOptions = {}, place?: string): Promise<number> {
  const { port } = server.address() as AddressInfo;
  const never = new AbortController().signal;
  return runVerify(place ?? `http://127.0.0.1:${port}`, { data: folder, ...options }, new Output(true), never);
}
const said = () => printed.at(-1)!;

/** The clock of these events stands in the year 2027: a witness signs with it, and so do we. */
beforeEach(() => {
  vi.spyOn(Date, 'now').mockImplementation(() => log.world.ms);
});

describe('llmesh verify', () => {
  it('says that an honest mesh is one, and recounts only what is new the next time', async () => {
    expect(await verify()).toBe(0);
    expect(said()).toMatchObject({
      truth: true,
      size: log.events.length,
      recounted: log.events.length,
      witnesses: ['w'],
    });
    await log.live(1);
    await log.publish();
    expect(await verify()).toBe(0);
    expect(said()).toMatchObject({ truth: true, recounted: 4 });
    expect(await verify({ all: true })).toBe(0);
    expect(said()).toMatchObject({ recounted: log.events.length });
  });

  it('finds a mesh that changes a balance, even by one micro-credit', async () => {
    added = 1;
    expect(await verify()).toBe(EXIT_LIES);
    expect(said()).toMatchObject({ truth: false, shown: { differences: [{ peer: bob.peerId, account: 'free' }] } });
  });

  it('is not misled by what has happened since the checkpoint', async () => {
    added = 70;
    since = [
      { index: log.events.length + 1, amount: 40 },
      { index: log.events.length, amount: 30 },
      { index: log.events.length - 1, amount: 99 },
    ];
    expect(await verify()).toBe(0);
  });

  it('finds a past that has changed since it was verified, and keeps both checkpoints', async () => {
    expect(await verify()).toBe(0);
    const another = new LyingLog();
    await another.live(5);
    await another.publish();
    for (const [file, bytes] of another.files) log.files.set(file, bytes);
    expect(await verify()).toBe(EXIT_LIES);
    const [file = ''] = readdirSync(path.join(folder, 'forks'));
    expect(readFileSync(path.join(folder, 'forks', file), 'utf8')).toContain(another.note);
  });

  it('does not take another policy from a mesh than the first one, and takes one from its owner', async () => {
    expect(await verify()).toBe(0);
    log.files.set('policy', Buffer.from(`log ${writeKey(log.signer.key)}\nquorum none\n`));
    expect(await verify()).toBe(EXIT_LIES);
    const policy = path.join(folder, 'own.policy');
    writeFileSync(policy, policyText());
    expect(await verify({ policy })).toBe(0);
    expect(said()).toMatchObject({ own: false });
  });

  it('cannot verify a mesh that has no log, and says that this is no lie', async () => {
    log.files.clear();
    expect(await verify()).toBe(1);
    expect(said()).toMatchObject({ error: { code: 'unsupported' } });
  });

  it('counts a vote from its ballots, and says what is no proposal', async () => {
    expect(await verify({ vote: 0 })).toBe(0);
    expect(JSON.stringify(said()['words'])).toContain('event 0 is no proposal');
  });
});
