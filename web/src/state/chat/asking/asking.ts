/** How the questions of a conversation are asked: what the model is told first, and how it chooses its words. */
import * as v from 'valibot';
import type { Sampling, Turn } from '@llmesh/core/protocol';
import { MAX_TOKENS } from '../../settings.svelte.ts';
import { turnTokens, type Memory } from '../context/window.ts';

/** UTF-16 units of what the model is told first. */
export const MOST_SYSTEM = 16_000;
/** Tokens of one answer that can be chosen. */
export const [LEAST_LENGTH, MOST_LENGTH] = [16, 8_192] as const;

export const AskingSchema = v.object({
  /** What the model is told before anything else; empty: nothing. */
  system: v.pipe(v.string(), v.maxLength(MOST_SYSTEM)),
  /** The most tokens of an answer; null: as many as the page usually asks for. */
  maxTokens: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(LEAST_LENGTH), v.maxValue(MOST_LENGTH))),
  /** null: as in the settings. */
  temperature: v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(2))),
  /** null: as the provider does. */
  topP: v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
});
export type Asking = v.InferOutput<typeof AskingSchema>;

export const AS_USUAL: Asking = { system: '', maxTokens: null, temperature: null, topP: null };

/** null: nothing of it differs from what the page does anyway. */
export function unusual(asking: Asking): Asking | null {
  const { system, maxTokens, temperature, topP } = asking;
  const same = system.trim() === '' && maxTokens === null && temperature === null && topP === null;
  return same ? null : asking;
}

/** Tokens that are asked for. */
export function lengthOf(asking: Asking | null): number {
  return asking?.maxTokens ?? MAX_TOKENS;
}

/** What the model is told first. */
export function firstTurns(asking: Asking | null): Turn[] {
  const system = asking?.system.trim() ?? '';
  return system === '' ? [] : [{ role: 'system', content: system }];
}

/** The memory that is left beside what the model is told first. */
export function memoryBeside({ contextTokens, scale }: Memory, asking: Asking | null): Memory {
  const told = firstTurns(asking).reduce((sum, { content }) => sum + turnTokens(content, { scale }), 0);
  return { contextTokens: contextTokens === null ? null : Math.max(0, contextTokens - told), scale };
}

export function samplingWith(usual: Sampling, asking: Asking | null): Sampling {
  const { temperature = null, topP = null } = asking ?? {};
  return { ...usual, ...(temperature !== null && { temperature }), ...(topP !== null && { topP }) };
}
