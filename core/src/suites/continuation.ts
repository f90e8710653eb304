/** An answer cut in two: what one engine wrote up to the cut, and what another, or the same, makes of it from there. */
import type { AnswerPrefix, Engine, Finish, GenerateRequest, Piece } from '../engine/engine.ts';

/** An answer as it came. */
export interface Run {
  pieces: Piece[];
  finish: Finish;
}

export interface Cut {
  /** With the token ids of the first run, or its text alone. */
  ids: boolean;
  replay?: boolean;
}

export interface CutCheck extends Cut {
  request: GenerateRequest;
  /** The undisturbed answer to `request`. */
  whole: Run;
  /** Numbers of pieces before the cut. Default: all of them, from none to the whole answer. */
  cuts?: readonly number[];
  /** The engine that goes on. */
  go(request: GenerateRequest): Promise<Run>;
  /** Continuations at once. */
  atOnce: number;
}

export interface WrongCut {
  cut: number;
  expected: string;
  got: string;
}

/** The cuts where the two parts are not the undisturbed answer: its words, its end, and its number of tokens. */
export async function wrongCuts({ request, whole, cuts, go, atOnce, ...cut }: CutCheck): Promise<WrongCut[]> {
  const left = [...(cuts ?? Array.from({ length: whole.pieces.length + 1 }, (_, i) => i))];
  const wrong: WrongCut[] = [];
  const work = async () => {
    for (let at = left.shift(); at !== undefined; at = left.shift()) {
      const rest = await go({ ...request, prefix: prefixAt(whole, at, cut) });
      const expected = describeRun({ pieces: whole.pieces.slice(at), finish: whole.finish });
      const got = describeRun(rest);
      if (got !== expected) wrong.push({ cut: at, expected, got });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return wrong;
}

/** The first pieces of an answer, as a requester knows them. */
export function prefixAt({ pieces }: Pick<Run, 'pieces'>, cut: number, { ids, replay }: Cut): AnswerPrefix {
  const delivered = pieces.slice(0, cut);
  const known = ids && delivered.every(({ tokenIds }) => tokenIds !== undefined);
  return {
    text: textOf(delivered),
    tokens: tokensOf(delivered),
    tokenIds: known ? delivered.flatMap(({ tokenIds }) => tokenIds ?? []) : null,
    ...(replay !== undefined && { replay }),
  };
}

export async function runOf<M>(
  engine: Pick<Engine<M>, 'generate'>,
  request: GenerateRequest,
  signal: AbortSignal,
): Promise<Run> {
  const generation = engine.generate(request, signal);
  const pieces: Piece[] = [];
  for (;;) {
    const next = await generation.next();
    if (next.done === true) return { pieces, finish: next.value };
    pieces.push(next.value);
  }
}

export function textOf(pieces: readonly Piece[]): string {
  return pieces.map(({ text }) => text).join('');
}

export function tokensOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { tokens }) => sum + tokens, 0);
}

function describeRun({ pieces, finish }: Run): string {
  return `${JSON.stringify(textOf(pieces))} in ${tokensOf(pieces)} tokens, then ${finish.finish}`;
}
