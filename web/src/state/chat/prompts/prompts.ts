/** Prompts that the person has saved, to be called by `/` and their names, and the blanks in them: `{{like this}}`. */
import * as v from 'valibot';
import type { Named, NamedKind, NamedRecords } from '../../kept/named-records.svelte.ts';
import { MOST_NAME } from '../../kept/named-records.svelte.ts';
import { fold } from '../search/fold.ts';

/** UTF-16 units of one. */
export const MOST_PROMPT = 16_000;
/** More are left as they are. */
const MOST_BLANKS = 12;

const MOST = 200;

export const PROMPTS = {
  prefix: 'prompt/',
  schema: v.object({ text: v.pipe(v.string(), v.minLength(1), v.maxLength(MOST_PROMPT)) }),
  most: MOST,
  full: `There are ${MOST} saved prompts already. Delete one first.`,
} satisfies NamedKind<{ text: string }>;

export type Prompt = Named<{ text: string }>;
export type Prompts = NamedRecords<{ text: string }>;

/** What is sought while a draft is `/` and the beginning of a name; null: it is none. */
export function calledBy(draft: string): string | null {
  return /^\/(\S{0,60})$/u.exec(draft)?.[1] ?? null;
}

/** Those whose names hold it, first those that begin with it. */
export function promptsFor(called: string, all: readonly Prompt[]): readonly Prompt[] {
  const sought = fold(called);
  const found = all.filter(({ name }) => fold(name).includes(sought));
  return found.toSorted((a, b) => Number(fold(b.name).startsWith(sought)) - Number(fold(a.name).startsWith(sought)));
}

/** A name as it can be called: without blanks and slashes. May be empty. */
export function callName(name: string): string {
  return name
    .trim()
    .replaceAll(/[\s/]+/gu, '-')
    .slice(0, MOST_NAME);
}

/** What a prompt asks for, each once, in order. */
export function blanksIn(text: string): readonly string[] {
  const names = [...text.matchAll(BLANK)].map(([, name = '']) => name.trim());
  return [...new Set(names)].filter((name) => name !== '').slice(0, MOST_BLANKS);
}

/** The prompt with what was written into its blanks; what was left empty, or is no blank, stays as it is. */
export function filled(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(BLANK, (blank, name: string) => values.get(name.trim()) || blank);
}

const BLANK = /\{\{([^{}\n]{1,60})\}\}/g;
