/** What every kind of task must do, whoever made it. */
import fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { isTaskName, newPeerId } from '../base/ids.ts';
import { MeshError } from '../base/errors.ts';
import { MAX_INPUT_BYTES } from '../protocol.ts';
import type { Ended, TaskKind, Written } from '../tasks/task-kind.ts';
import { packBody, readBody } from '../wire/body.ts';
import type { ModelAdvert } from '../wire/model-advert.ts';

export interface KindUnderTest<Input, Piece, Result> {
  kind: TaskKind<Input, Piece, Result>;
  /** One that does the work, and as it offers itself. */
  engine: () => object;
  offered: ModelAdvert;
  /** Can be asked, and takes two units at least. */
  input: Input;
  maxUnits: number;
  /** Cannot be asked. */
  faulty: readonly Input[];
  /** Pieces that an honest provider never sends for `input`, whose units are one. */
  lies: readonly Piece[];
  /** What of a piece is the work itself, whoever does it and wherever it begins. Left out: all of it. */
  work?: (piece: Piece) => unknown;
}

interface Ran<Piece, Result> {
  written: Written<Piece>[];
  ended: Ended<Result>;
}

const never = new AbortController().signal;

export function taskKindSuite<Input, Piece, Result>(
  name: string,
  {
    kind,
    engine,
    offered,
    input,
    maxUnits,
    faulty,
    lies,
    work = (piece) => piece,
  }: KindUnderTest<Input, Piece, Result>,
): void {
  async function ran(asked: Input, units = maxUnits): Promise<Ran<Piece, Result>> {
    const prepared = kind.prepare(asked);
    if (prepared instanceof MeshError) throw prepared;
    const job = { input: asked, prepared, maxUnits: units, requester: newPeerId(), offered, draws: null };
    const pieces = kind.run(engine(), job, never);
    const written: Written<Piece>[] = [];
    for (;;) {
      const next = await pieces.next();
      if (next.done === true) return { written, ended: next.value };
      written.push(next.value);
    }
  }

  describe(`the kind of task ${name}`, () => {
    it('has a name, and one that it is offered by', () => {
      expect([isTaskName(kind.name), isTaskName(kind.offeredAs)]).toEqual([true, true]);
      expect(kind.offeredAs).toBe(offered.task ?? 'chat');
    });

    it('is asked and answered through bytes, and nothing of it is lost there', async () => {
      expect(readBody(kind.input, packBody(input))).toEqual(input);
      const { written, ended } = await ran(input);
      for (const { piece } of written) {
        const read = readBody(kind.piece, packBody(piece));
        expect(packBody(read)).toEqual(packBody(piece));
      }
      expect(readBody(kind.result, packBody(ended.result))).toEqual(ended.result);
    });

    it('makes nothing of noise', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
          for (const schema of [kind.input, kind.piece, kind.result]) {
            const read = readBody(schema, noise);
            if (read !== null) expect(v.is(schema, read)).toBe(true);
          }
        }),
      );
    });

    it('says what cannot be asked', () => {
      expect(kind.fault(input)).toBeNull();
      for (const one of faulty) expect(kind.fault(one)).toBeInstanceOf(MeshError);
    });

    it('counts whole units, at least one a piece, and no more than it may', async () => {
      const { written, ended } = await ran(input);
      expect(written.every(({ units }) => Number.isSafeInteger(units) && units >= 1)).toBe(true);
      expect(unitsOf(written)).toBeGreaterThan(1);
      expect(unitsOf(written)).toBeLessThanOrEqual(ended.units);
      expect(ended.units).toBeLessThanOrEqual(maxUnits);
      expect(Number.isSafeInteger(kind.complexity(input)) && kind.complexity(input) >= 1).toBe(true);
      expect(kind.bytesToRead(input, 0)).toBeGreaterThanOrEqual(0);
      const within = await ran(input, 1);
      expect(within.ended.units).toBe(1);
    });

    it('lets its own work pass, and no lie', async () => {
      const { written, ended } = await ran(input);
      const check = kind.check(input, offered);
      for (const one of written) check.piece(one);
      check.end(ended.result);
      expect(ended.inputUnits).toBeLessThanOrEqual(kind.maxInputUnits(input));
      for (const piece of lies) {
        expect(() => kind.check(input, offered).piece({ piece, units: 1 })).toThrow(
          expect.objectContaining({ code: 'bad_message' }),
        );
      }
    });

    it('asks for the rest after each piece, or says that it begins again', async () => {
      const { written } = await ran(input);
      for (let come = 1; come < written.length; come++) {
        const rest = kind.rest(input, written.slice(0, come));
        if (rest === null) continue;
        expect(kind.fault(rest)).toBeNull();
        const left = await ran(rest, maxUnits - unitsOf(written.slice(0, come)));
        const together = [...written.slice(0, come), ...left.written];
        expect(together.map(({ piece }) => work(piece))).toEqual(written.map(({ piece }) => work(piece)));
      }
    });

    it('can be made lighter only so often', () => {
      let lighter: Input | null = input;
      for (let times = 0; lighter !== null; times++) {
        expect(times).toBeLessThan(8);
        expect(packBody(lighter).byteLength).toBeLessThanOrEqual(MAX_INPUT_BYTES);
        lighter = kind.lighter(lighter);
      }
    });

    it('stops when it is told to', async () => {
      const abort = new AbortController();
      const prepared = kind.prepare(input);
      const job = { input, prepared, maxUnits, requester: newPeerId(), offered, draws: null };
      const pieces = kind.run(engine(), job, abort.signal);
      expect((await pieces.next()).done).toBe(false);
      abort.abort();
      const rest = async () => {
        while ((await pieces.next()).done !== true);
      };
      await expect(rest()).rejects.toMatchObject({ code: 'cancelled' });
    });

    it('refuses an engine that is none for it', () => {
      const job = { input, prepared: null, maxUnits, requester: newPeerId(), offered, draws: null };
      expect(() => kind.run({}, job, never)).toThrow(expect.objectContaining({ code: 'unsupported' }));
    });
  });
}

function unitsOf(written: readonly Written<unknown>[]): number {
  return written.reduce((sum, { units }) => sum + units, 0);
}
