/** Stop sequences: where an answer is cut, and what its provider hears of it. Engine and server are scripted. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { consume, never, question, World } from '../../testing/mesh-world.ts';
import { ScriptedEngine } from '../../testing/scripted-engine.ts';
import { advert } from '../../testing/scripted-server.ts';
import type { AnswerEvent } from '../answer.ts';
import { AnswerStops } from './answer-stops.ts';
import { MAX_STOP_CHARACTERS, MAX_STOPS } from './stop-limits.ts';

type Placed = Extract<AnswerEvent, { type: 'piece' | 'resumed' }>;

const piece = (text: string, syntax?: string): Placed => ({
  type: 'piece',
  text,
  tokens: 1,
  tokenIds: [1],
  ...(syntax !== undefined && { syntax }),
});

function textOf(events: readonly Placed[]): string {
  return events.map((event) => (event.type === 'piece' ? event.text : '')).join('');
}

/** What is given out of these pieces, at once and at the end. */
function cut(stops: AnswerStops<Placed>, pieces: readonly Placed[]): { text: string; tokens: number } {
  const out: Placed[] = [];
  for (const one of pieces) {
    const { events, stopped } = stops.push(one);
    out.push(...events);
    if (stopped) break;
  }
  out.push(...stops.end());
  const tokens = out.reduce((sum, event) => sum + (event.type === 'piece' ? event.tokens : 0), 0);
  return { text: textOf(out), tokens };
}

describe('what an answer says', () => {
  it('ends before the stop, whose tokens are counted', () => {
    const stops = new AnswerStops<Placed>(['END'], null);
    expect(
      cut(
        stops,
        ['so far E', 'N', 'D and on'].map((text) => piece(text)),
      ),
    ).toEqual({ text: 'so far ', tokens: 3 });
    expect(stops.found).toBe('END');
  });

  it('is held back only while it may be a stop', () => {
    const stops = new AnswerStops<Placed>(['END'], null);
    const told = ['go ', 'E', 'X'].map((text) => textOf(stops.push(piece(text)).events));
    expect(told).toEqual(['go ', '', 'EX']);
  });

  it('is cut at the same place in whatever pieces it comes', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(letters, { minLength: 1, maxLength: 4 }),
        fc.array(letters, { maxLength: 12 }),
        (all, texts) => {
          const pieces = texts.map((text) => piece(text));
          const { text } = cut(new AnswerStops<Placed>(all, null), pieces);
          expect(text).toBe(cut(new AnswerStops<Placed>(all, null), [piece(texts.join(''))]).text);
          expect(all.some((stop) => text.includes(stop))).toBe(false);
          expect(texts.join('').startsWith(text)).toBe(true);
        },
      ),
    );
  });

  it('is what counts: thoughts may hold a stop, and stay when the first words are one', () => {
    const raw = ['<think>END of', ' that</think>', 'END', ' more'];
    const pieces = raw.map((text, i) => piece(text, i === 0 ? 'none-think' : undefined));
    expect(cut(new AnswerStops<Placed>(['END'], null), pieces).text).toBe('<think>END of that</think>');
  });

  it('may have begun a stop in what came another day, which stays as it was', () => {
    expect(
      cut(new AnswerStops<Placed>(['END'], { text: 'so far EN', syntax: null }), [piece('D and'), piece(' on')]),
    ).toEqual({
      text: '',
      tokens: 1,
    });
    expect(
      cut(new AnswerStops<Placed>(['END'], { text: 'an END EN', syntax: null }), [piece('X END'), piece(' on')]).text,
    ).toBe('X ');
  });
});

describe('a question with stop sequences', () => {
  const WORDS = Array.from({ length: 40 }, (_, i) => `w${i} `);
  const world = { current: new World() };
  afterEach(async () => {
    await Promise.all(world.current.meshes.map((mesh) => mesh.close()));
    world.current = new World();
  });

  it('ends as if the model had ended it, and its provider stops at once', async () => {
    const w = world.current;
    const engine = new ScriptedEngine(WORDS);
    await w.provide(engine, 1, 20, advert);
    const user = await w.join();
    const outcome = consume(user.ask({ ...question(), stop: ['w12 '] }, never));
    await w.clock.advance(1_000);
    expect(outcome).toMatchObject({ text: WORDS.slice(0, 12).join(''), error: null, ended: true });
    expect(outcome.events.at(-1)).toMatchObject({
      summary: { finish: 'stop', stoppedAt: 'w12 ', completionTokens: 13, receipt: 'none' },
    });
    expect(engine.computing).toBe(0);
  });

  it('loses no word that was held back when the answer breaks off', async () => {
    const w = world.current;
    await w.provide(new ScriptedEngine(['so ', 'far ', 'w']), 1, 20, advert);
    const user = await w.join();
    const outcome = consume(user.ask({ ...question(), stop: ['w12'] }, never));
    await w.clock.advance(1_000);
    expect(outcome).toMatchObject({ text: 'so far w', error: null, ended: true });
    expect(outcome.events.at(-1)).toMatchObject({ type: 'done', summary: { finish: 'stop' } });
  });

  it('names neither too many, nor too long ones, nor an empty one', async () => {
    const user = await world.current.join();
    for (const stop of [['x'.repeat(MAX_STOP_CHARACTERS + 1)], [''], ['\ud800'], Array(MAX_STOPS + 1).fill('x')]) {
      await expect(user.ask({ ...question(), stop }, never).next()).rejects.toMatchObject({ code: 'unsupported' });
    }
  });
});
