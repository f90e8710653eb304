/** How the questions of a conversation are asked: what the model is told first, and how it chooses its words. */
import * as v from 'valibot';
import { MAX_STOP_CHARACTERS, MAX_STOPS } from '@llmesh/core/ask/stops/stop-limits';
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
  /** An answer ends before the first of these. Earlier pages kept none. */
  stop: v.optional(
    v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(MAX_STOP_CHARACTERS))), v.maxLength(MAX_STOPS)),
    [],
  ),
});
export type Asking = v.InferOutput<typeof AskingSchema>;

export const AS_USUAL: Asking = { system: '', maxTokens: null, temperature: null, topP: null, stop: [] };

/** null: nothing of it differs from what the page does anyway. */
export function unusual(asking: Asking): Asking | null {
  const { system, maxTokens, temperature, topP, stop } = asking;
  const same = system.trim() === '' && maxTokens === null && temperature === null && topP === null;
  return same && stop.length === 0 ? null : asking;
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
