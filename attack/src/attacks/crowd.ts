/** Many identities from one laptop, each within its own limits. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { inWords, outcome, seconds, type Attack, type Scene } from '../attack.ts';
import { forgedFiling } from '../forged.ts';
import { providersOf } from '../intruder.ts';
import { model, Stranger } from '../stranger.ts';
import { TINY_MODEL } from '../target.ts';

const MESH = { workers: 1, gateway: false };
/** How long an attack lasts while others ask. */
const LASTS_MS = 8_000;
/** Another address of this computer: a laptop in another network, as far as the server can tell. */
const ELSEWHERE = '127.9.9.9';

const howMany = (scale: number, all: number) => Math.max(4, Math.round(all * scale));

async function crowd({ target, scale }: Scene, all: number, from?: string): Promise<Stranger[]> {
  return Stranger.crowd(target, howMany(scale, all), 30_000 * scale, from);
}

/** How long each of some questions of a newcomer waits for a provider. */
async function honestMatches({ target }: Scene, count: number, from?: string) {
  const honest = await Stranger.join(target, from === undefined ? {} : { from });
  const times: number[] = [];
  let refused = '';
  for (let i = 0; i < count; i += 1) {
    const beganMs = performance.now();
    const answer = await honest.match({}, 5_000);
    if (answer?.['type'] === 'matched' && (answer['candidates'] as unknown[]).length > 0) {
      times.push(performance.now() - beganMs);
    } else refused = inWords(answer?.['message'] ?? 'no word');
    await sleep(300);
  }
  honest.close();
  const slowest = Math.max(0, ...times);
  return {
    all: times.length === count,
    what: `${times.length} of ${count} honest questions matched, the slowest in ${seconds(slowest)} ${refused}`.trim(),
  };
}

async function squat(scene: Scene, from: string | undefined) {
  const strangers = await crowd(scene, 130, from);
  const full = strangers.pop();
  if (full === undefined) return outcome([[true, 'nobody was let in']]);
  full.lend([model(TINY_MODEL, { tokensPerSecond: 1 })], { busySlots: 1 });
  await sleep(300);
  for (const stranger of strangers) {
    for (let i = 0; i < 8; i += 1) void stranger.match({ only: [full.peerId] }, 120_000);
  }
  const hogs = await crowd(scene, 4, from);
  const ends = performance.now() + LASTS_MS * scene.scale;
  for (const hog of hogs) for (let i = 0; i < 8; i += 1) void keepMatching(hog, ends);
  await sleep(1_500);
  const { all, what } = await honestMatches(scene, scene.scale < 1 ? 4 : 8);
  for (const stranger of [...strangers, ...hogs, full]) stranger.close();
  return outcome([[all, `${strangers.length} identities wait, ${hogs.length} hog: ${what}`]]);
}

/** Takes every promise of a slot and begins nothing. */
async function keepMatching(hog: Stranger, ends: number): Promise<void> {
  while (performance.now() < ends && !hog.closed) {
    const answer = await hog.match({}, 3_000);
    await sleep(answer?.['type'] === 'matched' ? 20 : 150);
  }
}

async function flap(scene: Scene) {
  const waiting = await crowd(scene, 110, ELSEWHERE);
  const flapping = await crowd(scene, 60, ELSEWHERE);
  const [full, ...others] = flapping;
  if (full === undefined) return outcome([[true, 'nobody was let in']]);
  full.lend([model('flap')], { busySlots: 1 });
  await sleep(300);
  const named = [...waiting.slice(0, 60).map(({ peerId }) => peerId), full.peerId];
  for (const one of waiting) for (let i = 0; i < 8; i += 1) void one.match({ model: 'flap', only: named }, 60_000);
  for (const one of others) one.lend([model('flap')], { busySlots: 1 });
  const beganMs = performance.now();
  for (let turn = 0; performance.now() - beganMs < LASTS_MS * scene.scale; turn += 1) {
    for (const one of others) one.send({ type: 'heartbeat', busySlots: turn % 2, queued: 0, units: 0 });
    await sleep(23);
  }
  const { status } = await scene.target.get('/healthz');
  for (const one of [...waiting, ...flapping]) one.close();
  return outcome([[status === 200, `${8 * waiting.length} questions wait beside ${others.length} flapping providers`]]);
}

async function relays(scene: Scene) {
  const { target } = scene;
  const [victim] = await providersOf(target);
  const squatters = await crowd(scene, 72, ELSEWHERE);
  const honest = await Stranger.join(target);
  const ask = (who: Stranger, peer: string) => who.ask({ type: 'relay', peer }, 4_000);
  let on = true;
  const keep = async () => {
    while (on) {
      for (const one of squatters) for (let i = 0; i < 4; i += 1) void ask(one, String(victim));
      // Any two of them take the mesh's remaining places.
      for (const [i, one] of squatters.entries()) void ask(one, squatters[(i + 1) % squatters.length]?.peerId ?? '');
      await sleep(2_500);
    }
  };
  const kept = keep();
  await sleep(1_000);
  let relayed = 0;
  const tries = scene.scale < 1 ? 3 : 6;
  for (let i = 0; i < tries; i += 1) {
    if ((await ask(honest, String(victim)))?.['type'] === 'relayed') relayed += 1;
    await sleep(1_000);
  }
  on = false;
  await kept;
  for (const one of [...squatters, honest]) one.close();
  return outcome([
    [relayed === tries, `${squatters.length} identities; an honest peer got ${relayed} of ${tries} relays`],
  ]);
}

async function filing(scene: Scene) {
  const provider = await Stranger.join(scene.target);
  const requester = await Stranger.join(scene.target);
  provider.lend([model('evil-model')], { slots: 8 });
  await sleep(500);
  const receipt = await forgedFiling(provider, requester);
  const sessions = await crowd(scene, 220, ELSEWHERE);
  const beganMs = performance.now();
  let filed = 0;
  while (performance.now() - beganMs < LASTS_MS * scene.scale) {
    for (const one of sessions) void one.ask({ ...receipt }, 1_000);
    filed += sessions.length;
    await sleep(70);
  }
  const healthBegan = performance.now();
  const { status } = await scene.target.get('/healthz');
  const healthMs = performance.now() - healthBegan;
  for (const one of [...sessions, provider, requester]) one.close();
  return outcome([
    [
      status === 200 && healthMs < 1_000,
      `${filed} filings by ${sessions.length} sessions, then health in ${Math.round(healthMs)} ms`,
    ],
  ]);
}

async function matches(scene: Scene) {
  const sessions = await crowd(scene, 120, ELSEWHERE);
  const beganMs = performance.now();
  let asked = 0;
  while (performance.now() - beganMs < LASTS_MS * scene.scale) {
    for (const one of sessions)
      one.send({
        type: 'match',
        requestId: 1_000_000 + asked,
        model: TINY_MODEL,
        maxUnits: 5,
        exclude: [],
        only: null,
        prefer: null,
      });
    asked += sessions.length;
    await sleep(25);
  }
  const { all, what } = await honestMatches(scene, 3);
  for (const one of sessions) one.close();
  return outcome([[all, `${asked} matches by ${sessions.length} sessions; ${what}`]]);
}

async function fatAdverts(scene: Scene) {
  const { target } = scene;
  const strangers = await crowd(scene, 120, ELSEWHERE);
  const hex = (i: number) => i.toString(16).padStart(64, '0');
  for (const [k, one] of strangers.entries()) {
    const adapters = (m: number) =>
      Array.from({ length: 16 }, (_, a) => ({ sha256: hex(1_000 * k + 16 * m + a), name: 'n'.repeat(80) }));
    one.lend(
      Array.from({ length: 16 }, (_, m) => model(`m${k}-${m}`, { name: 'n'.repeat(80), adapters: adapters(m) })),
    );
  }
  await sleep(2_000);
  const page = await target.get('/api/peers');
  const bytes = (await page.arrayBuffer()).byteLength;
  const sockets = Array.from({ length: howMany(scene.scale, 60) }, () => {
    const socket = connect(target.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('connect', () => {
      socket.pause();
      socket.write('GET /api/peers HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: identity\r\n\r\n');
    });
    return socket;
  });
  await sleep(LASTS_MS * scene.scale);
  for (const socket of sockets) socket.destroy();
  for (const one of strangers) one.close();
  return outcome([
    [
      bytes <= 1_048_576,
      `${strangers.length} fat adverts, the page of peers has ${Math.round(bytes / 1_024)} KB, ${sockets.length} readers do not read`,
    ],
  ]);
}

export const crowds: readonly Attack[] = [
  {
    name: 'the waiting line and every promised slot, from the same address',
    before: 'nobody gets an answer: 5 of 5 refused, /v1 gives nothing in 45 s',
    bound: 'places and promises by identity and network; questions for named providers wait apart',
    mesh: MESH,
    quick: false,
    run: (scene) => squat(scene, undefined),
  },
  {
    name: 'the waiting line and every promised slot, from another address',
    before: 'nobody gets an answer: 5 of 5 refused, /v1 gives nothing in 45 s',
    bound: 'places and promises by identity and network; questions for named providers wait apart',
    mesh: MESH,
    quick: true,
    run: (scene) => squat(scene, ELSEWHERE),
  },
  {
    name: 'providers that turn full and free beside a long line',
    before: '45 % of a core, stalls of 0.9 s',
    bound: 'a turn looks at whom it can serve, not at the whole line',
    mesh: MESH,
    quick: false,
    run: flap,
  },
  {
    name: 'relay places that are never used',
    before: 'an honest peer is refused 8 of 8 times, with 72 identities everybody',
    bound: 'places by network; one that is not opened gives way',
    mesh: MESH,
    quick: true,
    run: relays,
  },
  {
    name: 'one receipt filed by 220 sessions',
    before: 'health takes 17.5 s',
    bound: 'who files what was done is asked before any signature is checked',
    mesh: MESH,
    quick: false,
    run: filing,
  },
  {
    name: 'matches by 120 sessions, each within its rate',
    before: '17 % of a core for 40 of them',
    bound: 'a rate for each identity and network',
    mesh: MESH,
    quick: false,
    run: matches,
  },
  {
    name: 'fat adverts, and readers of their page that do not read',
    before: 'control plane stands still for 5.1 s and grows from 163 to 725 MB',
    bound: 'adverts of 16 KB, a page built once a second and shared, 1 MB at most',
    mesh: MESH,
    quick: false,
    run: fatAdverts,
  },
];
