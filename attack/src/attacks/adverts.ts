/** A provider that lies about itself, and what it makes others believe. */
import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '@llmesh/e2e/processes';
import { openMeshNode } from 'llmesh/node/mesh-node';
import { programArgs, programEnv } from '../../../scripts/programs.mjs';
import { outcome, type Attack, type Scene } from '../attack.ts';
import { forgedFiling } from '../forged.ts';
import { hashOf } from '../hash.ts';
import { providersOf } from '../intruder.ts';
import { model, Stranger } from '../stranger.ts';
import { TINY_FILE, TINY_MODEL } from '../target.ts';

const MESH = { workers: 1, gateway: true };
const SETTLED_MS = 1_500;
/** How many in the test. */
const FEW = 4;
/** C0, C1 and the marks that turn the direction of text. */
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** Runs `llmesh …` as somebody types it, and returns all that it printed. */
function llmesh(...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...programArgs('native-worker/src/main.ts'), ...args],
      { cwd: ROOT, env: programEnv(), timeout: 30_000 },
      (_error, out, complaints) => resolve(out + complaints),
    );
    child.stdin?.end();
  });
}

const LIES: Record<string, Record<string, unknown>> = {
  'a context of 0': { contextTokens: 0 },
  'a context of 1': { contextTokens: 1 },
  'a context of 128': { contextTokens: 128 },
  'that it embeds': { embeds: 64 },
  'a speed of 10^9': { tokensPerSecond: 1e9 },
  'another name': { name: 'PWNED', quant: 'f32' },
};

async function lies({ target, scale }: Scene) {
  const honest = await providersOf(target);
  const before = await target.complete({ provider: { only: honest } });
  const facts: [boolean, string][] = [];
  // It names the very same file, as another file would be another offer.
  const sha256 = await hashOf(TINY_FILE);
  for (const [what, lie] of Object.entries(LIES).slice(0, scale < 1 ? FEW : undefined)) {
    const liar = await Stranger.join(target);
    liar.lend([model(TINY_MODEL, { sha256, ...lie })], { units: 9e15 });
    await sleep(SETTLED_MS);
    const during = await target.complete({ provider: { only: honest } });
    const offers = JSON.stringify(await target.json('/api/models'));
    const same = during.status === 200 && usage(during.text) === usage(before.text);
    facts.push([
      same && !offers.includes('PWNED"'),
      `${what}: HTTP ${during.status}, ${usage(during.text)} of ${usage(before.text)} tokens`,
    ]);
    liar.close();
    await sleep(300);
  }
  const stats = await target.json('/api/stats');
  const speed = Number(stats['tokensPerSecond'] ?? 0);
  return outcome([...facts, [speed < 1_000_000, `the mesh is said to write ${Math.round(speed)} tokens a second`]]);
}

function usage(text: string): number | null {
  try {
    const { usage } = JSON.parse(text) as { usage?: { completion_tokens?: number } };
    return usage?.completion_tokens ?? null;
  } catch {
    return null;
  }
}

/** The first to join used to describe the model: the liar is there before the honest provider. */
async function firstToSay({ target }: Scene) {
  const liar = await Stranger.join(target);
  liar.lend([model(TINY_MODEL, { task: 'embedding', embeds: 64, name: 'PWNED', tokensPerSecond: 1 })], {
    busySlots: 1,
  });
  await sleep(500);
  await target.addWorker();
  await sleep(SETTLED_MS);
  const { status, text } = await target.complete();
  liar.close();
  return outcome([[status === 200, `HTTP ${status} ${status === 200 ? '' : text.slice(0, 120)}`.trim()]]);
}

async function defaultModel({ target }: Scene) {
  const node = await openMeshNode(new URL(target.url));
  const read: string[] = [];
  async function* generate(request: { turns: { content: string }[] }) {
    read.push(request.turns.at(-1)?.content ?? '');
    yield { text: 'hello from the stranger', tokens: 4 };
    return { finish: 'stop', promptTokens: 3, completionTokens: 4 };
  }
  const advert = model('best-model', { name: 'LLMesh tiny', tokensPerSecond: 1_000 });
  // These are as many as an advert may claim.
  node.mesh.provide({
    models: [{ advert: advert as never, engine: { generate }, slots: 64 }],
    onStatus() {},
    onFailure() {},
    onHang() {},
  });
  await sleep(SETTLED_MS + 1_500);
  const said = await llmesh('chat', 'my private question', '--mesh', target.url);
  await node.close();
  return outcome([[read.length === 0 && said.trim() !== '', `the stranger read ${read.length} questions`]]);
}

async function terminal({ target }: Scene) {
  const stranger = await Stranger.join(target);
  const names = ['PWNED \u202e <b>', 'x\u001b[2J', 'y\u001b]0;owned\u0007', 'z\u009b31m'];
  const named = names.map((name, i) => model(`evil-${i}`, { name }));
  // They are in one advert, as another would take its place.
  stranger.lend([...named, model('evil', { quant: '\u001b[31m' })]);
  await sleep(SETTLED_MS);
  const [status, models] = [
    await llmesh('status', '--mesh', target.url),
    JSON.stringify(await target.json('/api/peers')),
  ];
  stranger.close();
  const escaped = /\\u00[01]|\\u007f|\\u00[89]|\u202e|\\u202e/i.test(models);
  return outcome([
    [!UNPRINTABLE.test(status), 'llmesh status prints none of it'],
    [!escaped, 'the list of peers holds none of it'],
  ]);
}

async function receipts({ target, scale }: Scene) {
  const provider = await Stranger.join(target);
  const requester = await Stranger.join(target);
  provider.lend([model('evil-model')], { slots: 8 });
  await sleep(500);
  const file = async (claims: Record<string, unknown>) => {
    const answer = await requester.ask(await forgedFiling(provider, requester, claims));
    return answer?.['type'] === 'filed';
  };
  const impossible: Record<string, Record<string, unknown>> = {
    '10^15 tokens': { units: 1e15 },
    'took 50 years': { startedMs: 1, endedMs: 1.5e12 },
    'in the year 9999': { startedMs: 253_370_764_800_000, endedMs: 253_370_764_800_001 },
    'ended before it began': { startedMs: Date.now(), endedMs: Date.now() - 5_000 },
    'more tokens than its lease has': { units: 513 },
  };
  const facts: [boolean, string][] = [];
  for (const [what, claims] of Object.entries(impossible)) {
    const filed = await file(claims).catch(() => false);
    if (filed) facts.push([false, `${what} was filed`]);
  }
  const reliability = async () => {
    const matched = await requester.match({ model: 'evil-model', only: [provider.peerId] });
    const [candidate] = (matched?.['candidates'] ?? []) as { reliability: number }[];
    return candidate?.reliability ?? 0;
  };
  const before = await reliability();
  let filed = 0;
  const endMs = performance.now() + 15_000 * scale;
  while (performance.now() < endMs) {
    const kept = await file({}).catch(() => false);
    if (kept) filed += 1;
    else await sleep(60);
  }
  const after = await reliability();
  provider.close();
  requester.close();
  facts.push([
    after - before < 0.05,
    `${filed} invented receipts move reliability from ${before.toFixed(3)} to ${after.toFixed(3)}`,
  ]);
  return outcome([[facts.every(([holds]) => holds), 'nothing impossible is filed'], ...facts]);
}

export const adverts: readonly Attack[] = [
  {
    name: 'lies in an advert for somebody else’s model',
    before: 'answers of the honest provider are cut to 1 token; 3,334 tokens/s out of nothing',
    bound: 'impossible values are refused; offers are told apart by file and described by those with a record',
    mesh: MESH,
    quick: true,
    run: lies,
  },
  {
    name: 'the first to say what a model is',
    before: '400 for everybody: “turns text into vectors and does not chat”',
    bound: 'offers are told apart by what they do and by file',
    mesh: { workers: 0, gateway: true },
    quick: false,
    run: firstToSay,
  },
  {
    name: 'slots that nobody has, for questions that name no model',
    before: 'the stranger reads the private question',
    bound: 'catalogue and record first; slots count for what was delivered',
    mesh: MESH,
    quick: true,
    run: defaultModel,
  },
  {
    name: 'escapes for a terminal in names',
    before: 'titles and colours of the operator’s terminal are set by a stranger',
    bound: 'refused in adverts, and taken out again before printing',
    mesh: MESH,
    quick: true,
    run: terminal,
  },
  {
    name: 'invented receipts',
    before: '10^15 tokens in the year 9999 are filed; reliability 0.9 to 0.995 in 20 s',
    bound: 'receipts must be possible; reliability counts distinct requesters and networks',
    mesh: MESH,
    quick: true,
    run: receipts,
  },
];
