/** What a lying provider writes, and what is passed on of it. */
import { chat } from '@llmesh/core/tasks/chat';
import { readBody } from '@llmesh/core/wire/body';
import { MeshError } from '@llmesh/core/base/errors';
import { openMeshNode } from 'llmesh/node/mesh-node';
import { readGgufFileInfo } from 'node-llama-cpp';
import { inWords, outcome, seconds, type Attack, type Scene } from '../attack.ts';
import { Intruder, providersOf } from '../intruder.ts';
import { model } from '../stranger.ts';
import { TINY_FILE, TINY_MODEL, type Target } from '../target.ts';
import { hashOf } from '../hash.ts';

const MESH = { workers: 1, gateway: true };
/** How long each lasts while others ask. */
const LASTS_MS = 8_000;

interface Piece {
  text: string;
  tokens: number;
  tokenIds?: number[];
}

/** Nine tokens that come with 4,096 ids each, and 640 tokens with 320,000 characters: neither can be sent on. */
const BEGINNINGS: Record<string, Piece[]> = {
  ids: Array.from({ length: 9 }, () => ({ text: 'a', tokens: 1, tokenIds: Array.from({ length: 4_096 }, () => 5) })),
  text: Array.from({ length: 5 }, () => ({ text: '\u{1F600}'.repeat(32_000), tokens: 128 })),
};

/** A provider that begins every answer with `pieces`, and then fails. */
async function lend(target: Target, pieces: readonly Piece[]) {
  const node = await openMeshNode(new URL(target.url));
  const asked = { times: 0 };
  async function* generate(): AsyncGenerator<Piece, never> {
    asked.times += 1;
    yield* pieces;
    throw new MeshError('engine_failed', 'It stopped.');
  }
  const advert = model(TINY_MODEL, { tokensPerSecond: 1_000, sha256: await hashOf(TINY_FILE), continues: 'ids' });
  node.mesh.provide({
    models: [{ advert: advert as never, engine: { generate }, slots: 8 }],
    onStatus() {},
    onFailure() {},
    onHang() {},
  });
  return { node, asked };
}

async function poisonedBeginning({ target, scale }: Scene) {
  const facts: [boolean, string][] = [];
  const [honest] = await providersOf(target);
  for (const [what, pieces] of Object.entries(BEGINNINGS)) {
    const { node, asked } = await lend(target, pieces);
    try {
      await untilProviders(target, 2);
      // Only the liar may begin: an honest one is asked once it has failed.
      const untilMs = performance.now() + LASTS_MS * scale;
      let [worstMs, failed] = [0, 0];
      do {
        const { status, ms } = await target.complete({ max_tokens: 64 }, 60_000);
        worstMs = Math.max(worstMs, ms);
        if (status !== 200) failed += 1;
      } while (performance.now() < untilMs);
      facts.push([
        asked.times > 0 && failed === 0 && worstMs < 15_000,
        `${what}: asked ${asked.times} times, ${failed} answers failed, the slowest took ${seconds(worstMs)}`,
      ]);
    } finally {
      await node.close();
    }
    await untilProviders(target, 1);
  }
  const after = await target.complete({ provider: { only: [honest] } });
  return outcome([...facts, [after.status === 200, `the honest provider answers with HTTP ${after.status}`]]);
}

async function untilProviders(target: Target, count: number): Promise<void> {
  for (let i = 0; i < 100; i += 1) {
    if ((await providersOf(target)).length === count) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`there are not ${count} providers`);
}

/** 2,000 ids that show no text, and then the words that they claim to be: they would fill the honest one's context. */
async function invisibleIds({ target }: Scene) {
  const { metadata } = await readGgufFileInfo(TINY_FILE);
  const end = Number(metadata.tokenizer.ggml.eos_token_id);
  const intruder = await Intruder.join(target);
  try {
    const [provider] = await providersOf(target);
    if (provider === undefined) return outcome([[false, 'nobody lends']]);
    const channel = await intruder.dial(provider);
    const lengthOf = async (prefix: unknown) => {
      intruder.heard.length = 0;
      const lease = await intruder.lease(provider);
      const request = { lease, prefix, maxUnits: prefix === null ? 4 : 400, sampling: { temperature: 0 } };
      const said = await intruder.request(channel, request, 20_000);
      return said?.['units'] ?? said?.['code'] ?? null;
    };
    await lengthOf(null);
    const pieces = intruder.heard.flatMap(({ kind, piece }) =>
      kind === 'TASK_CHUNK' ? (readBody(chat.piece, piece as Uint8Array) ?? []) : [],
    );
    const text = pieces.map((piece) => piece.text).join('');
    const ids = pieces.flatMap(({ tokenIds = [] }) => tokenIds);
    const begun = async (hidden: number) => {
      const tokenIds = [...Array.from({ length: hidden }, () => end), ...ids];
      return lengthOf({ text, tokens: tokenIds.length, tokenIds });
    };
    const [plain, hidden] = [await begun(0), await begun(2_000)];
    // A refusal is as good as being seen through.
    const held = plain !== null && (hidden === plain || typeof hidden === 'string');
    return outcome([
      [held, `after ${JSON.stringify(text)} ${inWords(plain)} tokens, with 2,000 hidden ones ${inWords(hidden)}`],
    ]);
  } finally {
    intruder.close();
  }
}

export const answers: readonly Attack[] = [
  {
    name: 'a beginning that nobody can be sent',
    before: '503 after 61 s, or 400 for a one-line question; honest providers cut the link',
    bound: 'ids are as many as tokens, sums are bounded as they come, what is passed on is checked as if received',
    mesh: MESH,
    quick: true,
    run: poisonedBeginning,
  },
  {
    name: 'invisible control tokens among the ids of a prefix',
    before: 'the honest successor writes 3 tokens of 51',
    bound: 'control tokens are not part of a prefix',
    mesh: MESH,
    quick: true,
    run: invisibleIds,
  },
];
