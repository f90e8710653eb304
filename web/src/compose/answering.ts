/** What a question needs on its way, whoever answers it. It comes when the page is there, or with the first question. */
import { MeshError } from '@llmesh/core/base/errors';
import { codeFailure } from '../adapters/page-code.ts';
import type { AnswerWords } from '../state/chat/answer-run.ts';
import { Part } from '../state/shell/part.svelte.ts';
import type * as AnsweringPart from './answering-part.ts';

const answering = new Part(() => import('./answering-part.ts'));

/** Rejects with `offline` or `page_outdated` when it cannot be fetched; the next call tries again. */
export async function openAnswering(): Promise<typeof AnsweringPart> {
  try {
    return await answering.open();
  } catch (cause) {
    // This file is named after those that it imports: as long as it is there, so are they.
    const why = await codeFailure(import.meta.url, cause);
    if (why.code === 'page_outdated') throw why;
    throw new MeshError('offline', 'This page could not load what it needs. Check your connection.', { cause });
  }
}

/** What is told of an answer; null until it is here. */
export const answerWords = (): AnswerWords | null => answering.value;
