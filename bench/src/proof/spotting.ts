/**
 * Whether an auditor can tell before it reports that it is being tested: a plain classifier gets everything that it sees of known answers and
 * of ordinary ones. What it can win by that is its advantage: by how much it is right more often than wrong, from 0 (chance) to 1.
 */
import { deflateRawSync } from 'node:zlib';
import type { PeerId } from '@llmesh/core/base/ids';
import type { GenerateRequest } from '@llmesh/core/engine/engine';
import { DoctoredAnswers } from 'llmesh/audit/doctored';
import type { ConversationShape } from 'llmesh/audit/request-shapes';
import { madeUp } from 'llmesh/audit/shadow-writer';
import { People, servedBy } from 'llmesh/testing/people';
import { openEngine, questions } from './answers.ts';
import { CharacterModel } from './character-model.ts';
import { logistic } from './logistic.ts';

/** Questions are cut to this, so that a small model has as much to say. */
const MOST_CHARS = 240;
const ANSWER_TOKENS = 32;
/** Workers whose conversations give the shapes. */
const WORKERS = 12;
const MAKER = 'maker' as PeerId;
const never = new AbortController().signal;

export interface SpottingOptions {
  /** Answers of each kind. */
  answers: number;
  threads: number;
}

/** All that is in the evidence of one answer. */
interface Seen {
  readonly sizes: readonly number[];
  readonly text: string;
  readonly isKnown: boolean;
}

export async function spotting({ answers, threads }: SpottingOptions) {
  const engine = await openEngine('large-q8', threads, 1);
  try {
    const people = new People(17);
    const said = questions()
      .flat()
      .filter(({ role }) => role === 'user')
      .map(({ content }) => content)
      .join(' ');
    const doctored = new DoctoredAnswers();
    doctored.begin(MAKER);
    const generate = doctored.watching((request, signal) => engine.generate(request, signal));
    const seen: Seen[] = [];
    let shapes = await servedBy(people);
    for (let no = 0; no < answers; no++) {
      if (no % Math.ceil(answers / WORKERS) === 0) shapes = await servedBy(people);
      for (const isKnown of [false, true]) {
        const shape = isKnown ? shapes.draw(people.random)! : people.conversation();
        const chars = Math.min(MOST_CHARS, shape.asked[0].chars);
        const at = Math.floor(people.random() * (said.length - chars));
        const text = isKnown ? await madeUp(engine, 'user', chars, [], never) : said.slice(at, at + chars);
        if (text === null) continue;
        // Half of the known answers are doctored.
        const requester = isKnown && no % 4 < 2 ? MAKER : (`${no}` as PeerId);
        seen.push({ sizes: await sizesOf(generate, { text, shape, requester }), text, isKnown });
      }
      if (no % 50 === 49) process.stdout.write(`${no + 1} of ${answers} answers of each kind\n`);
    }
    const result = {
      bench: 'spotting',
      answers: seen.length,
      bySizes: advantage(seen, ({ sizes }) => sizes),
      byWords: advantageByWords(seen),
      // Half of them are tried; 1.96 standard errors of twice a share of one half.
      giveOrTake: rounded(1.96 / Math.sqrt(seen.length / 2)),
    };
    process.stdout.write(
      `by sizes, settings and times an auditor is ${result.bySizes} (give or take ${result.giveOrTake}) better than chance at telling a known answer from another, ` +
        `and ${result.byWords} by the words of its question\n`,
    );
    return result;
  } finally {
    await engine.close();
  }
}

interface Question {
  text: string;
  shape: ConversationShape;
  requester: PeerId;
}

/** What is asked and what comes back, in numbers. */
async function sizesOf(
  generate: ReturnType<DoctoredAnswers['watching']>,
  { text, shape, requester }: Question,
): Promise<number[]> {
  const { before, asked, sampling, maxTokens } = shape;
  const request: GenerateRequest = {
    turns: [{ role: 'user', content: text }],
    sampling: { topK: 40, ...sampling },
    maxTokens: Math.min(ANSWER_TOKENS, maxTokens),
    requester,
  };
  const began = performance.now();
  let [chars, tokens, first] = [0, 0, 0];
  for await (const piece of generate(request, never)) {
    if (tokens === 0) first = performance.now() - began;
    chars += piece.text.length;
    tokens += piece.tokens;
  }
  const lengths = before.map((turn) => turn.chars);
  return [
    ...[asked[0].chars, asked.length, before.length, lengths.reduce((sum, one) => sum + one, 0)].map(Math.log1p),
    ...[sampling.temperature ?? -1, sampling.topP ?? -1, Math.log(maxTokens)],
    ...[chars, tokens, chars / Math.max(1, tokens), first, (performance.now() - began) / Math.max(1, tokens)],
  ];
}

/** Learned from one half, tried on the other. */
function advantage(seen: readonly Seen[], columns: (one: Seen) => readonly number[]): number {
  const [known, other] = [true, false].map((kind) => seen.filter(({ isKnown }) => isKnown === kind)) as [
    Seen[],
    Seen[],
  ];
  const half = (from: number) => [known, other].flatMap((kind) => kind.filter((_, i) => i % 2 === from));
  const [learned, tried] = [half(0), half(1)];
  const tell = logistic(
    learned.map(columns),
    learned.map(({ isKnown }) => isKnown),
  );
  const right = tried.filter((one) => tell(columns(one)) >= 0.5 === one.isKnown).length;
  return rounded(Math.max(0, (2 * right) / tried.length - 1));
}

/** Two models of characters learn from a third of them what people write and what the model does; the rest is told apart by that. */
function advantageByWords(seen: readonly Seen[]): number {
  const third = seen.filter((_, i) => i % 6 < 2);
  const rest = seen.filter((_, i) => i % 6 >= 2);
  const [made, asked] = [true, false].map(
    (kind) => new CharacterModel(third.filter(({ isKnown }) => isKnown === kind).map(({ text }) => text)),
  ) as [CharacterModel, CharacterModel];
  return advantage(rest, ({ text, sizes }) => [
    ...sizes,
    made.surprise(text) - asked.surprise(text),
    asked.surprise(text),
    deflateRawSync(text).byteLength / text.length,
    text.replace(/[a-z]/gi, '').length / text.length,
    text.length / text.split(' ').length,
  ]);
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
