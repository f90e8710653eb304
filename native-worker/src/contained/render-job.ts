import { promptOf } from '@llmesh/core/engine/chat-prompt';
import { traitsOf } from '@llmesh/core/engine/chat-traits';
import type { Job } from './jobs.ts';

/** Rejects with model_unreadable. */
export async function renderJob(job: Job): Promise<string[]> {
  switch (job.kind) {
    case 'probe':
      return [JSON.stringify(traitsOf(job.template, job.tokens))];
    case 'render':
      return job.conversations.map((one) => promptOf(job.template, job.traits, one, job.tokens));
    case 'grammar':
    case 'adapter':
    case 'model':
    case 'values':
    case 'generic':
    case 'calls':
      throw new Error('That is for another process.');
    default:
      return job satisfies never;
  }
}
