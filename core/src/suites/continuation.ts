/** An answer cut in two: one engine writes up to the cut, and another, or the same, continues from there. */
import type { AnswerPrefix, Engine, Finish, GenerateRequest, Piece } from '../engine/engine.ts';

/** An answer with its pieces. */
export interface Run {
  pieces: Piece[];
  finish: Finish;
}

export interface Cut {
  /** Whether to continue from the token ids of the first run, or from its text alone. */
  ids: boolean;
  replay?: boolean;
}

export interface CutCheck extends Cut {
  request: GenerateRequest;
  /** The undisturbed answer to `request`. */
  whole: Run;
  /** The numbers of pieces before the cut. Default: all, from none to the whole answer. */
  cuts?: readonly number[];
  /** The engine that continues. */
  go(request: GenerateRequest): Promise<Run>;
  /** How many continuations run at once. */
  atOnce: number;
}

export interface WrongCut {
  cut: number;
  expected: string;
  got: string;
}

/** The cuts where the two parts differ from the undisturbed answer in words, end or number of tokens. */
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
