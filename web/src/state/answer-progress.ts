/** An answer while it comes. */
import type { MeshError } from '@llmesh/core/errors';
import { peerName } from '@llmesh/core/names';
import type { AnswerEvent } from '@llmesh/core/requester';
import type { Answer } from './turn.ts';

/** Over less than this a speed is noise. */
const SPEED_AFTER_MS = 250;

/** One event of the mesh, into what is shown. `writingMs`: since the first piece. */
export function takeEvent(answer: Answer, event: AnswerEvent, writingMs: number): void {
  switch (event.type) {
    case 'provider':
      answer.state = 'looking';
      answer.provider = event.candidate.peerId;
      answer.native = event.candidate.agent === 'native';
      return;
    case 'accepted':
      answer.state = event.ahead > 0 ? 'queued' : 'reading';
      answer.ahead = event.ahead;
      return;
    case 'piece':
      answer.state = 'writing';
      answer.text += event.text;
      answer.tokens += event.tokens;
      if (writingMs > SPEED_AFTER_MS) answer.tokensPerSecond = (answer.tokens * 1000) / writingMs;
      return;
    case 'interrupted':
      answer.state = 'looking';
      return;
    case 'resumed': {
      const { candidate, seam } = event;
      answer.seams = [...answer.seams, { ...seam, native: candidate.agent === 'native' }];
      return;
    }
    case 'done':
      answer.state = 'done';
      answer.tokens = event.receipt.completionTokens;
      answer.receipt = {
        path: event.receipt.path,
        firstTokenMs: event.receipt.firstTokenMs,
        tokensPerSecond: event.receipt.tokensPerSecond,
        completionTokens: event.receipt.completionTokens,
        cut: event.receipt.finish === 'length',
        signed: event.receipt.receipt,
      };
      return;
    default:
      event satisfies never;
  }
}

/** What is said about an answer that failed, and what to do next. */
export function failureOf(answer: Answer, error: MeshError): string {
  if (error.code !== 'provider_lost' && error.code !== 'provider_stopped') return error.message;
  const left = error.code === 'provider_lost' ? 'left' : 'stopped donating';
  return answer.text === ''
    ? `${writerOf(answer)} ${left} before the first word. Try again?`
    : `${writerOf(answer)} ${left}. What you have is kept. Try again?`;
}

/** By name, as far as it is known. */
export function writerOf(answer: Answer): string {
  if (answer.scope === 'device') return 'This device';
  const writer = answer.seams.at(-1)?.provider ?? answer.provider;
  return writer === null ? 'The volunteer' : peerName(writer);
}
