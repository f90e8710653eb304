/** The built-in kinds, with scripted engines. */
import { describe, expect, it } from 'vitest';
import { taskKindSuite } from '../suites/task-kind.ts';
import { advert, embedderAdvert } from '../testing/scripted-server.ts';
import { ScriptedEmbedder, ScriptedEngine } from '../testing/scripted-engine.ts';
import type { AnswerInput, AnswerPiece } from './answer-messages.ts';
import { chat } from './chat.ts';
import { completion } from './completion.ts';
import { embedding } from './embedding.ts';
import { TaskKinds } from './task-kinds.ts';

const WORDS = ['A ', 'frog ', 'sits ', 'here.'];
const input: AnswerInput = { turns: [{ role: 'user', content: 'why?' }], sampling: {}, prefix: null };
const blank: AnswerInput = { ...input, turns: [{ role: 'user', content: ' ' }] };
const words = {
  engine: () => new LimitedEngine(WORDS),
  offered: advert,
  input,
  maxUnits: 4,
  work: ({ text }: AnswerPiece) => text,
  lies: [
    { text: 'x'.repeat(60_000) },
    { text: 'x', tokenIds: [1, 2] },
    { text: 'x', logprobs: [{ text: 'x', logprob: -1, top: [] }] },
    { text: 'x', promptTokens: 1e9 },
  ],
};

/** Keeps to `maxTokens`, which the scripted one leaves to its test. */
class LimitedEngine extends ScriptedEngine {
  override async *generate(...[request, signal]: Parameters<ScriptedEngine['generate']>) {
    const all = this.words;
    this.words = all.slice(0, (request.prefix?.tokens ?? 0) + request.maxTokens);
    // What is known of the question is told with the first piece alone, wherever an answer begins.
    const end = yield* super.generate(request, signal);
    this.words = all;
    return end;
  }
}

taskKindSuite('chat', { kind: chat, faulty: [blank, { ...input, turns: [] }], ...words });
taskKindSuite('completion', {
  kind: completion,
  faulty: [blank, { ...input, turns: [...input.turns, ...input.turns] }],
  ...words,
});
taskKindSuite('embedding', {
  kind: embedding,
  engine: () => new ScriptedEmbedder(),
  offered: embedderAdvert,
  input: { texts: ['A frog.', 'A newt.', 'A toad.'] },
  maxUnits: 3,
  faulty: [{ texts: ['a', ' '] }, { texts: ['x'.repeat(600_000)] }],
  lies: [
    { vector: new Uint8Array(4), promptTokens: 2 },
    { vector: new Uint8Array([0, 0, 192, 127, 0, 0, 0, 0]), promptTokens: 2 },
    { vector: new Uint8Array(8), promptTokens: 1e6 },
  ],
});

describe('the kinds that a peer knows', () => {
  it('are found by their names, and each name is one kind', () => {
    const kinds = new TaskKinds();
    expect([kinds.find('chat'), kinds.find('completion'), kinds.find('embedding')]).toEqual([
      chat,
      completion,
      embedding,
    ]);
    expect(kinds.find('echo')).toBeNull();
    expect(() => new TaskKinds([chat])).toThrow('two kinds of task');
  });
});
