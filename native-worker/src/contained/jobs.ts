/** What runs in a process of its own, because a stranger wrote what it reads; and how much of the computer each may take. */
import * as v from 'valibot';
import { ERROR_CODES } from '@llmesh/core/base/errors';
import type { Turn } from '@llmesh/core/protocol';

export interface TemplateTokens {
  bos: string;
  eos: string;
}

export type Job =
  /** To its texts, one for each conversation. */
  | { kind: 'render'; template: string; conversations: readonly (readonly Turn[])[]; tokens: TemplateTokens }
  /** Can llama.cpp follow the grammar, and `delivered` by it? */
  | { kind: 'grammar'; grammar: string; delivered: string }
  /** Does llama.cpp take this file, as far as that can be told without its weights? */
  | { kind: 'model'; path: string };

/** One process each: what a job needs is loaded before it gets one. */
export type Role = 'templates' | 'llama';

export interface JobLimits {
  /** Of the processor, of all threads together: a busy computer does not make it less. */
  cpuMs: number;
  /** From when it was begun; only what hangs takes as long. */
  wallMs: number;
  /** More than before. */
  memoryBytes: number;
}

/**
 * The longest conversation takes 100 ms to render, the largest grammar some 20 ms to compile, and the largest vocabulary
 * some seconds to read, on one core of a small computer.
 */
export const JOB_LIMITS: Readonly<Record<Job['kind'], JobLimits>> = {
  render: { cpuMs: 3_000, wallMs: 15_000, memoryBytes: 256 << 20 },
  grammar: { cpuMs: 500, wallMs: 10_000, memoryBytes: 384 << 20 },
  model: { cpuMs: 60_000, wallMs: 180_000, memoryBytes: 2_000_000_000 },
};

export interface JobMessage {
  job: Job;
}

/** From the process, whose memory may be in a stranger's hands. */
export const ReplySchema = v.union([
  v.object({ ready: v.literal(true) }),
  v.object({ texts: v.array(v.string()) }),
  v.object({ code: v.picklist(ERROR_CODES), message: v.pipe(v.string(), v.maxLength(4_096)) }),
]);
export type Reply = v.InferOutput<typeof ReplySchema>;
