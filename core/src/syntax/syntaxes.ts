/** The name under which a provider says how its text is to be read: its calls, its thoughts, and whether it begins in them. */
import { DIALECTS, THOUGHTS, type Dialect, type DialectName, type ThoughtsName } from './dialects.ts';
import { HARMONY_MARKS } from './harmony-reader.ts';

/** `none`: it calls no functions. `generic`: the form of `generic-form.ts`. `harmony`: gpt-oss, thoughts included. */
export type CallsName = DialectName | 'none' | 'generic' | 'harmony';

export interface Syntax {
  calls: CallsName;
  /** Null: the model does not think, or its calls say how (harmony). */
  thoughts: ThoughtsName | null;
  /** The template has begun the thoughts, so that the text begins within them. */
  begun: boolean;
}

/** All of it is said. */
export const PLAIN: Syntax = { calls: 'none', thoughts: null, begun: false };

/** Undefined: all of it is said, which need not be told. */
export function syntaxName({ calls, thoughts, begun }: Syntax): string | undefined {
  if (calls === 'none' && thoughts === null) return undefined;
  return [calls, ...(thoughts === null ? [] : [thoughts, ...(begun ? ['begun'] : [])])].join('-');
}

/** Null: a newer program writes in it. */
export function syntaxOf(name: string | undefined): Syntax | null {
  if (name === undefined) return PLAIN;
  const [calls = '', thoughts, begun, ...rest] = name.split('-');
  if (rest.length > 0 || (begun !== undefined && begun !== 'begun')) return null;
  if (!isCalls(calls) || (thoughts !== undefined && !Object.hasOwn(THOUGHTS, thoughts))) return null;
  return { calls, thoughts: (thoughts as ThoughtsName | undefined) ?? null, begun: begun !== undefined };
}

/** All marks that have to be in the text, even where a model has special tokens for them. */
export function marksOf({ calls, thoughts }: Pick<Syntax, 'calls' | 'thoughts'>): readonly string[] {
  const ofThoughts = thoughts === null ? [] : Object.values(THOUGHTS[thoughts]);
  if (calls === 'harmony') return [...ofThoughts, ...HARMONY_MARKS];
  if (calls === 'none' || calls === 'generic') return ofThoughts;
  const { opens, closes, ignores, inner = [] }: Dialect = DIALECTS[calls];
  return [...ofThoughts, ...opens, ...closes, ...ignores, ...inner];
}

function isCalls(name: string): name is CallsName {
  return name === 'none' || name === 'generic' || name === 'harmony' || Object.hasOwn(DIALECTS, name);
}
