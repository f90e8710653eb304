import type { Job } from './jobs.ts';
import { renderChat } from '@llmesh/core/engine/chat-template';

/** Rejects with model_unreadable. */
export async function renderJob(job: Job): Promise<string[]> {
  if (job.kind !== 'render') throw new Error('That is for the other process.');
  const { template, conversations, tokens } = job;
  return conversations.map((turns) => renderChat(template, turns, tokens));
}
