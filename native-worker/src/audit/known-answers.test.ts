/**
 * An auditor finds every answer right, whatever it has read. A worker gives doctored answers to strangers whom it has let loose itself; honest
 * workers read them, too, and the one that lies is not asked about others any more. All of them are processes of their own but
 * the one that doctors, whose conversations would come every two hours.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CheckNews } from '@llmesh/core/ask/answer';
import { realClock } from '@llmesh/core/base/clock';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { SECRET_KEY_BYTES } from '@llmesh/core/identity/identity';
import { nodeIdentity, nodeVerify } from '@llmesh/core/identity/node-signatures';
import { signOrder } from '@llmesh/core/ledger/order';
import { digestFile } from '../files/file-hash.ts';
import { openStranger } from '../lend/ask-shadows.ts';
import { AddressedProxy } from '../testing/addressed-proxy.ts';
import { lendHere, type LentHere } from '../testing/lent-here.ts';
import { MeshOfProcesses } from '../testing/mesh-of-processes.ts';
import { FROM_SOURCE, Running, startLlmesh } from '../testing/process.ts';
import { DoctoredAnswers } from './doctored.ts';
import type { ConversationShape } from './request-shapes.ts';
import { ShadowAsker } from './shadow-asker.ts';

/** It says something else each time: what is drawn by other chance, is seen to be. */
const MODEL = fileURLToPath(new URL('../../../models/proof/large-q8.gguf', import.meta.url));
const LENIENT = fileURLToPath(new URL('../testing/lenient-auditor.ts', import.meta.url));
const NAME = 'proof-model';
/** As many conversations as one network may have for this in ten minutes. */
const MOST_CONVERSATIONS = 4;
/** Whoever lies about so many answers is found. */
const ENOUGH_LIES = 3;
const SHAPE: ConversationShape = {
  before: [],
  asked: [40, 30, 50, 35].map((chars) => ({ chars, waitMs: 0 })) as [{ chars: number; waitMs: number }],
  sampling: { temperature: 0.8, topP: 0.95 },
  maxTokens: 48,
};
const POLLED = { timeout: 120_000, interval: 500 };

const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-known-'));
const proxies: AddressedProxy[] = [];
const done = new AbortController();
const mesh = MeshOfProcesses.forTests(
  {
    LLMESH_AUDIT_SHARE: '1',
    LLMESH_AUDIT_EPOCH_MS: '200',
    LLMESH_AUDIT_TENURE_MS: '0',
    // Auditors stand in networks of their own.
    LLMESH_TRUST_PROXY: '1',
    LLMESH_RELAY_LINKS: '100',
  },
  () => rmSync(folder, { recursive: true }),
);
const doctored = new DoctoredAnswers();
let sha256 = '';
let maker: LentHere;
beforeAll(async () => {
  sha256 = await digestFile(MODEL, done.signal);
  const identity = nodeIdentity(randomBytes(SECRET_KEY_BYTES));
  const lent = { path: MODEL, sha256, name: NAME, identity, audits: false };
  maker = await lendHere({ ...lent, mesh: await from('198.51.100.1') }, (engine) => ({
    generate: doctored.watching((request, signal) => engine.generate(request, signal)),
    score: (request, tokenIds, signal) => engine.score(request, tokenIds, signal),
    embed: (texts, signal) => engine.embed(texts, signal),
    close: () => engine.close(),
  }));
  asker = new ShadowAsker({
    engine: maker.engine,
    advert: () => maker.advert,
    shapes: { draw: () => SHAPE, served: 1_000_000 },
    open: openWatched,
    self: identity.peerId,
    sign: (body, head) => signOrder(body, head, identity),
    ...{ doctored, verify: nodeVerify, clock: realClock, random: Math.random },
    isIdle: () => true,
    found: () => {},
    failed: (error) => failures.push(error),
  });
}, 120_000);
afterAll(async () => {
  done.abort();
  await maker?.close();
  for (const proxy of proxies) await proxy.close();
});

let asker: ShadowAsker;
const failures: unknown[] = [];
/** Who was asked to read each known answer, by its lease: beside the stranger, who knows what it is. */
const drawn = new Map<string, PeerId[]>();

/** The mesh for whoever comes from this address. */
async function from(address: string): Promise<URL> {
  const { proxy, url } = await AddressedProxy.open(mesh.url, address);
  proxies.push(proxy);
  return new URL(url);
}

async function openWatched(signal: AbortSignal) {
  const stranger = await openStranger(await from('203.0.113.1'), signal);
  stranger.mesh.control.on('audit', ({ leaseId, auditors }) => {
    drawn.set(leaseId, [...(drawn.get(leaseId) ?? []), ...auditors.map(({ peerId }) => peerId)]);
  });
  return stranger;
}

async function lenient(address: string): Promise<PeerId> {
  const about = ['--model', MODEL, '--sha256', sha256, '--name', NAME, '--mesh', String(await from(address))];
  const auditor = new Running([...FROM_SOURCE, LENIENT, ...about]);
  mesh.started.push(auditor);
  return (await auditor.line((line) => line['ready'] === true))['peerId'] as PeerId;
}

async function honest(name: string, address: string): Promise<Running> {
  const data = path.join(folder, name);
  const file = path.join(data, `${NAME}.gguf`);
  mkdirSync(data, { recursive: true });
  copyFileSync(MODEL, file);
  const worker = startLlmesh(
    ...['worker', '--model', file, '--mesh', String(await from(address)), '--gpu', 'off', '--threads', '1'],
    ...['--slots', '1', '--data', data, '--json'],
  );
  mesh.started.push(worker);
  await worker.line((line) => line['ready'] === true);
  return worker;
}

/** Has the one that doctors answer, as anybody does. */
async function ordinary(liar: PeerId, onChecked?: (news: CheckNews) => void): Promise<void> {
  const turns = [{ role: 'user' as const, content: 'And the king said' }];
  const asked = { model: NAME as ModelId, sha256, turns, sampling: { temperature: 0.8 }, maxTokens: 32 };
  const request = { ...asked, only: null, exclude: [liar], ...(onChecked && { onChecked }) };
  for await (const _event of mesh.client.mesh.ask(request, done.signal));
}

/** The same. Resolves with who checked it. */
function checked(liar: PeerId): Promise<Extract<CheckNews, { provider: PeerId }>> {
  return new Promise((resolve, reject) => {
    const onChecked = (news: CheckNews) => {
      if (news.verdict !== 'asked' && news.pending === 0) resolve(news);
    };
    ordinary(liar, onChecked).catch(reject);
  });
}

async function counted(metric: RegExp): Promise<number> {
  const metrics = await (await fetch(`${mesh.url}/metrics`)).text();
  return [...metrics.matchAll(metric)].reduce((sum, [, count]) => sum + Number(count), 0);
}
const reports = () => counted(/^llmesh_audit_reports_total\{[^}]*\} (\d+)/gm);
const withoutAuditor = () => counted(/^llmesh_audits_not_drawn_total\{[^}]*no_auditor[^}]*\} (\d+)/gm);

it(
  'an auditor that agrees whatever it reads is found by doctored answers, and asked no more',
  { timeout: 480_000 },
  async () => {
    const liar = await lenient('192.0.5.1');
    // It is an auditor like any other.
    const relayed = () => counted(/^llmesh_relayed_bytes_total (\d+)/gm);
    expect(await relayed()).toBe(0);
    expect((await checked(liar)).checks).toMatchObject([{ auditor: liar, verdict: 'agrees' }]);
    // Nor does it see who hides: the words come through the relay, whoever asked.
    expect(await relayed()).toBeGreaterThan(0);
    const workers = await Promise.all([honest('ada', '192.0.3.1'), honest('bob', '192.0.4.1')]);
    const before = await reports();
    const lies = () => [...drawn.values()].filter((auditors) => auditors.includes(liar)).length;
    for (let i = 0; i < MOST_CONVERSATIONS && lies() < ENOUGH_LIES; i++) {
      await asker.converse(SHAPE, { why: 'known', isDoctored: true }, done.signal);
      // Each that was asked has reported, and the stranger.
      const asked = () => [...drawn.values()].flat().length + drawn.size;
      await expect.poll(async () => (await reports()) - before - asked(), POLLED).toBe(0);
    }
    expect(lies()).toBeGreaterThanOrEqual(ENOUGH_LIES);
    expect(failures).toEqual([]);
    // Nothing follows for who doctored them.
    const page = (await (await fetch(`${mesh.url}/api/audits`)).json()) as { deviates: number; suspected: number };
    expect(page).toMatchObject({ deviates: 0, suspected: 0, convicted: 0 });

    // Of the others nobody is left: an ordinary answer has no auditor.
    for (const worker of workers) {
      worker.kill('SIGTERM');
      await worker.exited;
    }
    expect(await withoutAuditor()).toBe(0);
    await ordinary(liar);
    await expect.poll(withoutAuditor, POLLED).toBe(1);
  },
);
