/**
 * What it costs an answer when its provider is gone: real processes, each ended in the middle of an answer. Tokens are
 * compared with the undisturbed greedy answer; the stall is from the signal to the first token of the next provider.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { Mesh } from '@llmesh/core/mesh';
import { freePort, startProgram, type Running } from '@llmesh/e2e/processes';
import { runOf } from '@llmesh/core/suites/continuation';
import { LlamaEngine } from 'llmesh/llama/llama-engine';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { openMeshNode, releaseMeshNodes } from 'llmesh/node/mesh-node';
import { FailingFleet } from './failing-fleet.ts';
import { percentile, show, spread } from './statistics.ts';
import { tokenLoss } from './token-loss.ts';
import type { AskRequest } from '@llmesh/core/ask/answer';

const TINY = join(import.meta.dirname, '../../models/tiny');
/** The longest answers that the model knows: there is time to break them off. */
const QUESTIONS = 12;
/** They need not be longer: what comes after the break is only waited for. */
const MAX_TOKENS = 80;
/** A round whose answer ended before its provider did does not count. */
const MAX_MISSED = 20;
/** A link to the next provider is dialled at the first word: within this after it the standby need not be warm. */
const WARM_MS = 500;
const SLOWEST = 5;
const never = new AbortController().signal;

export interface FailoverOptions {
  /** How many providers are killed, and how many leave in good order. */
  kills: number;
  providers: number;
  /** Tokens a second of each answer. */
  speed: number;
}

interface Undisturbed {
  request: AskRequest;
  text: string;
  tokenIds: number[];
}
type Signal = 'SIGKILL' | 'SIGTERM';

interface Round {
  signal: Signal;
  atToken: number;
  sinceFirstMs: number;
  lost: number;
  duplicated: number;
  stallMs: number;
  pausesMs: number[];
}

export async function failover(options: FailoverOptions) {
  const path = join(TINY, 'llmesh-tiny.gguf');
  const undisturbed = await undisturbedAnswers(path);
  const port = await freePort();
  const url = new URL(`http://127.0.0.1:${port}`);
  const folder = await mkdtemp(join(tmpdir(), 'llmesh-bench-'));
  let server: Running | null = null;
  let fleet: FailingFleet | null = null;
  let node: OpenPeer | null = null;
  try {
    server = await startProgram('signaling/src/main.ts', ['--port', String(port)], { LLMESH_RELAY_LINKS: '0' });
    fleet = new FailingFleet({ size: options.providers, model: path, mesh: url, folder, speed: options.speed });
    await fleet.serving(options.providers);
    node = await openMeshNode(url);
    const model = await offeredBy(node.mesh, options.providers);
    const rounds: Round[] = [];
    let missed = 0;
    while (rounds.length < 2 * options.kills) {
      const one = undisturbed[rounds.length % undisturbed.length];
      if (one === undefined) throw new Error('there is nothing to ask');
      const signal: Signal = rounds.length % 2 === 0 ? 'SIGKILL' : 'SIGTERM';
      // The provider of the previous round is still starting.
      await fleet.serving(options.providers - 1);
      const round = await hold(node.mesh, { ...one, request: { ...one.request, model } }, fleet, signal);
      if (round === null) missed += 1;
      else rounds.push(round);
      if (missed > MAX_MISSED) throw new Error('answers end before their providers do: lower --speed');
      if (round !== null && rounds.length % 20 === 0)
        process.stdout.write(`${rounds.length} of ${2 * options.kills}\n`);
    }
    return summary(options, rounds);
  } finally {
    await node?.close();
    releaseMeshNodes();
    await fleet?.stop();
    await server?.stop();
    await rm(folder, { recursive: true });
  }
}

/** Asks, and ends the provider at a random token. Null: the answer was over first. */
async function hold(
  mesh: Mesh,
  { request, text, tokenIds }: Undisturbed,
  fleet: FailingFleet,
  signal: Signal,
): Promise<Round | null> {
  const endAtToken = 1 + Math.floor(Math.random() * (tokenIds.length - 2));
  const got = { text: '', tokenIds: [] as number[] };
  const pausesMs: number[] = [];
  let provider: PeerId | null = null;
  let firstMs = 0;
  let lastMs: number | null = null;
  let endedMs: number | null = null;
  let resumed = false;
  let stallMs: number | null = null;
  for await (const event of mesh.ask(request, never)) {
    if (event.type === 'provider' || event.type === 'resumed') provider = event.candidate.peerId;
    if (event.type === 'resumed') resumed = true;
    if (event.type !== 'piece') continue;
    const nowMs = performance.now();
    got.text += event.text;
    got.tokenIds.push(...(event.tokenIds ?? []));
    if (endedMs === null && lastMs !== null) pausesMs.push(nowMs - lastMs);
    if (lastMs === null) firstMs = nowMs;
    lastMs = nowMs;
    if (endedMs !== null && resumed && stallMs === null) stallMs = nowMs - endedMs;
    if (endedMs === null && provider !== null && got.tokenIds.length >= endAtToken) {
      // It ends at any moment between two tokens.
      await delay(Math.random() * (pausesMs.at(-1) ?? 0));
      endedMs = performance.now();
      fleet.fell(provider, signal);
    }
  }
  if (stallMs === null || endedMs === null) return null;
  const loss = tokenLoss(tokenIds, got.tokenIds);
  // A piece without token ids would not be seen above.
  if (loss.lost + loss.duplicated === 0 && got.text !== text) throw new Error(`same tokens, other text: ${got.text}`);
  return { signal, atToken: endAtToken, sinceFirstMs: endedMs - firstMs, ...loss, stallMs, pausesMs };
}

function summary({ kills, providers, speed }: FailoverOptions, rounds: readonly Round[]) {
  const stallsOf = (signal: Signal) => {
    const warm = rounds.filter((round) => round.signal === signal && round.sinceFirstMs >= WARM_MS);
    return warm.map(({ stallMs }) => stallMs);
  };
  const [killed, graceful] = [stallsOf('SIGKILL'), stallsOf('SIGTERM')];
  const early = rounds.filter(({ sinceFirstMs }) => sinceFirstMs < WARM_MS).map(({ stallMs }) => stallMs);
  const slowest = rounds.toSorted((a, b) => b.stallMs - a.stallMs).slice(0, SLOWEST);
  const pauses = rounds.flatMap(({ pausesMs }) => pausesMs);
  const result = {
    bench: 'failover',
    kills,
    gracefulLeaves: rounds.length - kills,
    lostTokens: rounds.reduce((sum, { lost }) => sum + lost, 0),
    duplicatedTokens: rounds.reduce((sum, { duplicated }) => sum + duplicated, 0),
    stallMsP50: percentile(killed, 50),
    stallMsP95: percentile(killed, 95),
    stallMsMax: percentile(killed, 100),
    gracefulStallMsP50: percentile(graceful, 50),
    gracefulStallMsP95: percentile(graceful, 95),
    gracefulStallMsMax: percentile(graceful, 100),
    pauseMsP50: percentile(pauses, 50),
    pauseMsP95: percentile(pauses, 95),
    providers,
    tokensPerSecond: speed,
    spread: { stallMs: spread(killed), gracefulStallMs: spread(graceful), pauseMs: spread(pauses) },
    // These are rounds of both kinds, so soon after the first word that the standby may have been cold.
    early: { rounds: early.length, ...(early.length > 0 && { stallMs: spread(early) }) },
    slowest: slowest.map(({ signal, atToken, sinceFirstMs, stallMs }) => ({ signal, atToken, sinceFirstMs, stallMs })),
  };
  process.stdout.write(
    [
      `${kills} killed, ${rounds.length - kills} left in good order, ${providers} providers of ${speed} tokens a second: median (quartiles, range)`,
      `lost ${result.lostTokens}, duplicated ${result.duplicatedTokens} tokens`,
      `stall after kill -9, ms       ${show(result.spread.stallMs)}, 95 % within ${result.stallMsP95}`,
      `stall after a good leave, ms  ${show(result.spread.gracefulStallMs)}, 95 % within ${result.gracefulStallMsP95}`,
      `${early.length} rounds within ${WARM_MS} ms of the first word${early.length === 0 ? '' : `, stall, ms ${show(spread(early))}`}`,
      `pause between tokens, ms      ${show(result.spread.pauseMs)}, 95 % within ${result.pauseMsP95}`,
      '',
    ].join('\n'),
  );
  return result;
}

/** The undisturbed answers of the model, by an engine of our own. */
async function undisturbedAnswers(path: string): Promise<Undisturbed[]> {
  const engine = new LlamaEngine();
  await engine.load({ path, threads: 1, gpu: 'off', slots: 1 }, () => {}, never);
  try {
    const answers: Undisturbed[] = [];
    for (const question of longQuestions()) {
      const asked = {
        turns: [{ role: 'user' as const, content: question }],
        sampling: { temperature: 0 },
        maxTokens: MAX_TOKENS,
      };
      const { pieces } = await runOf(engine, asked, never);
      const tokenIds = pieces.flatMap((piece) => piece.tokenIds ?? []);
      if (tokenIds.length < 8) throw new Error(`the answer to “${question}” is too short to be broken off`);
      const text = pieces.map((piece) => piece.text).join('');
      answers.push({ request: { ...asked, model: '' as ModelId, only: null }, text, tokenIds });
    }
    return answers;
  } finally {
    await engine.close();
  }
}

function longQuestions(): string[] {
  const all = JSON.parse(readFileSync(join(TINY, 'questions.json'), 'utf8')) as { question: string; answer: string }[];
  return all
    .toSorted((a, b) => b.answer.length - a.answer.length)
    .slice(0, QUESTIONS)
    .map(({ question }) => question);
}

/** Resolves when this many offer the one model. */
async function offeredBy(mesh: Mesh, providers: number): Promise<ModelId> {
  for (let tries = 0; tries < 200; tries++) {
    const model = mesh.control.offers?.models[0];
    if (model !== undefined && model.providers >= providers) return model.id;
    await delay(50);
  }
  throw new Error('the providers offered nothing');
}
