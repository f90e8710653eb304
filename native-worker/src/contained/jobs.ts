/** The jobs that run in a process of their own, because strangers wrote what they read; and how much each may take. */
import * as v from 'valibot';
import { ERROR_CODES } from '@llmesh/core/base/errors';
import type { Conversation } from '@llmesh/core/engine/chat-prompt';
import type { TemplateTokens } from '@llmesh/core/engine/chat-template';
import type { Traits } from '@llmesh/core/engine/chat-traits';
import type { Tools } from '@llmesh/core/protocol';
import type { CallFrame } from '@llmesh/core/syntax/call-grammar';
import type { Tool } from '@llmesh/core/syntax/tools';

export type Job =
  /** Renders one text for each conversation. */
  | {
      kind: 'render';
      template: string;
      traits: Traits;
      conversations: readonly Conversation[];
      tokens: TemplateTokens;
    }
  /** Finds out what the template takes; one text, the traits as JSON. */
  | { kind: 'probe'; template: string; tokens: TemplateTokens }
  /** Asks whether llama.cpp can follow the grammar, and `delivered` by it. */
  | { kind: 'grammar'; grammar: string; delivered: string }
  /** Plans the generic form of these functions; its system text and its schema. `said`: the schema of what is said instead. */
  | { kind: 'generic'; tools: Tools; said: string | null }
  /** Plans how these functions are called in a dialect; the grammar of one call. */
  | { kind: 'calls'; frame: CallFrame; tools: readonly Tool[] }
  /** Asks whether llama.cpp accepts this file, as far as that can be told without its weights. */
  | { kind: 'model'; path: string }
  /** Asks whether this file is an adapter for this model, and has numbers in it. */
  | { kind: 'adapter'; path: string; model: string }
  /** Asks what is wrong with each value by its JSON schema; both are JSON. */
  | { kind: 'values'; values: readonly { schema: string; value: string }[] };

/** Each role has a process, which loads what its jobs need before it gets one. */
export type Role = 'templates' | 'llama' | 'schemas';

export interface JobLimits {
  /** The processor time of all threads together: a busy computer does not shorten it. */
  cpuMs: number;
  /** The time since it began; only a job that hangs takes that long. */
  wallMs: number;
  /** How much more memory it may take than before. */
  memoryBytes: number;
}

/**
 * The longest conversation takes 100 ms to render, 128 functions half a second to plan, the largest grammar some 20 ms to compile, and the largest vocabulary
 * some seconds to read, on one core of a small computer.
 */
export const JOB_LIMITS: Readonly<Record<Job['kind'], JobLimits>> = {
  render: { cpuMs: 3_000, wallMs: 15_000, memoryBytes: 256 << 20 },
  probe: { cpuMs: 5_000, wallMs: 15_000, memoryBytes: 256 << 20 },
  grammar: { cpuMs: 500, wallMs: 10_000, memoryBytes: 384 << 20 },
  generic: { cpuMs: 1_000, wallMs: 10_000, memoryBytes: 256 << 20 },
  calls: { cpuMs: 1_000, wallMs: 10_000, memoryBytes: 256 << 20 },
  values: { cpuMs: 500, wallMs: 5_000, memoryBytes: 256 << 20 },
  model: { cpuMs: 60_000, wallMs: 180_000, memoryBytes: 2_000_000_000 },
  adapter: { cpuMs: 20_000, wallMs: 60_000, memoryBytes: 1_000_000_000 },
};

export interface JobMessage {
  job: Job;
}

/** A reply from the process, whose memory may be in a stranger's hands. */
export const ReplySchema = v.union([
  v.object({ ready: v.literal(true) }),
  v.object({ texts: v.array(v.string()) }),
  v.object({ code: v.picklist(ERROR_CODES), message: v.pipe(v.string(), v.maxLength(4_096)) }),
]);
export type Reply = v.InferOutput<typeof ReplySchema>;
