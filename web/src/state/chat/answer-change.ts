/** What happens to an answer, and what it is then: the whole state machine of `AnswerState`, as one pure function. */
import type { Bill } from '@llmesh/core/ask/bill';
import type { AnswerEvent, AnswerSummary } from '@llmesh/core/ask/answer';
import type { Scope } from '../scope.ts';
import { billTogether } from './check/answer-bill.ts';
import type { AnswerCheck } from './check/answer-check.ts';
import { CANNOT_ASK } from './obstacles.ts';
import type { Thought } from './thought.ts';
import {
  isRunning,
  newAnswer,
  type Answer,
  type AskedModel,
  type KeptIds,
  type ShownSeam,
  type WaitingFor,
} from './turn.ts';

export type AnswerChange =
  /** The person asks, or what was kept can be asked now. `goOn`: after what there is of it, with the turns it was asked with. */
  | { type: 'asked'; scope: Scope; model: AskedModel | null; goOn: boolean }
  /** It cannot be asked yet. `before`: the answer before it was asked for this time. */
  | { type: 'held'; why: WaitingFor; before: Answer }
  /** What the mesh, or this device, tells while it runs. */
  | Exclude<AnswerEvent, { type: 'piece' | 'done' | 'interrupted' }>
  /** `slept`: it was this computer that was away. */
  | { type: 'interrupted'; slept: boolean }
  /** All that there is of it by now, in its parts where there are several, and the file of the model that writes; null: not known. */
  | {
      type: 'wrote';
      text: string;
      thought?: Thought | null | undefined;
      tokens: number;
      tokensPerSecond: number | null;
      sha256: string | null;
    }
  /** `tokens`, `ids`: what came; a last token may have had no text. */
  | { type: 'done'; summary: AnswerSummary; tokens: number; thought?: Thought | null | undefined; ids: KeptIds | null }
  /** Auditors are at it, or have found something. */
  | { type: 'checked'; check: AnswerCheck }
  /** What this part of it cost, once. */
  | { type: 'billed'; bill: Bill }
  /** The person does not want it any more. */
  | { type: 'stopped'; ids: KeptIds | null; before: Answer }
  /** The page that had it written was closed. */
  | { type: 'closed' }
  | { type: 'failed'; error: NonNullable<Answer['error']>; ids: KeptIds | null; before: Answer };

/** The answer after this; the same one where the change means nothing in its state. */
export function next(answer: Answer, change: AnswerChange): Answer {
  switch (change.type) {
    case 'asked':
      return isRunning(answer) ? answer : asked(answer, change);
    case 'held':
      return held(answer, change.why, change.before);
    case 'checked':
      return checked(answer, change.check);
    case 'billed':
      return change.bill.charges.length === 0 ? answer : { ...answer, bill: billTogether(answer.bill, change.bill) };
    case 'stopped':
      if (!isRunning(answer) && answer.state !== 'waiting') return answer;
      return stopped(answer, change.ids, change.before);
    default:
      return isRunning(answer) ? running(answer, change) : answer;
  }
}

type Running = Exclude<AnswerChange, { type: 'asked' | 'held' | 'checked' | 'billed' | 'stopped' }>;

function running(answer: Answer, change: Running): Answer {
  switch (change.type) {
    case 'queued':
      return {
        ...{ ...answer, state: 'queued', ahead: change.position, estimateMs: change.estimateMs },
        behindPayers: change.behindPayers ?? false,
      };
    case 'provider':
      return { ...answer, state: 'looking', ...writtenBy(answer, change.candidate) };
    case 'accepted':
      return {
        ...answer,
        state: change.ahead > 0 ? 'queued' : 'reading',
        ahead: change.ahead,
        estimateMs: null,
        behindPayers: false,
      };
    case 'wrote':
      return wrote(answer, change);
    case 'interrupted':
      return { ...answer, state: 'looking', left: !change.slept };
    case 'resumed': {
      const seam = { ...change.seam, native: change.candidate.agent === 'native', continued: false };
      return { ...answer, seams: [...answer.seams, seam] };
    }
    case 'done':
      return done(answer, change);
    case 'failed': {
      const { error, ids, before } = change;
      return { ...(inVain(answer, before) ? before : { ...answer, ids }), state: 'failed', why: null, error };
    }
    case 'closed':
      return { ...answer, state: 'interrupted', left: false };
    default:
      return change satisfies never;
  }
}

function asked(answer: Answer, { scope, model, goOn }: Extract<AnswerChange, { type: 'asked' }>): Answer {
  const { after } = answer;
  const fresh = { ...newAnswer(answer.id, scope, model), ...(after !== undefined && { after }) };
  if (!goOn) return fresh;
  const { provider, native, text, thought, tokens, ids, seams, check, bill } = answer;
  return { ...fresh, provider, native, text, thought, tokens, ids, seams, check, bill };
}

/** The part of each of its writers may be checked by itself: one that deviates is not talked away by another that agrees. */
function checked(answer: Answer, check: AnswerCheck): Answer {
  const { check: known } = answer;
  if (known?.verdict !== 'deviates' || check.verdict === 'deviates') return { ...answer, check };
  return check.verdict !== 'asked' && check.provider === known.provider ? { ...answer, check } : answer;
}

/** Keeps the question, and the text it continues. One that was asked anew in vain gives its old answer back. */
function held(answer: Answer, why: WaitingFor, before: Answer): Answer {
  if (before.text === answer.text) return { ...answer, state: 'waiting', why, error: null };
  const { code, says } = CANNOT_ASK[why];
  return { ...before, state: 'failed', error: { code, message: `${says} What you have is kept.` } };
}

function stopped(answer: Answer, ids: KeptIds | null, before: Answer): Answer {
  if (!inVain(answer, before)) return { ...answer, ids, state: 'stopped', why: null };
  return before.state === 'waiting' ? { ...before, state: 'stopped', why: null } : before;
}

/** Who was asked begins it, or continues it: then a seam is shown where they do, in place of one who wrote no word. */
function writtenBy(
  answer: Answer,
  { peerId: provider, agent, model }: Extract<AnswerChange, { type: 'provider' }>['candidate'],
): Partial<Answer> {
  const native = agent === 'native';
  return answer.text === '' ? { provider, native } : { seams: continuedBy(answer, { provider, native }, model.sha256) };
}

function continuedBy(
  { tokens, ids, seams }: Answer,
  writer: Pick<ShownSeam, 'provider' | 'native'>,
  sha256: string | null,
): ShownSeam[] {
  const sameFile = sha256 !== null && ids?.sha256 === sha256;
  const seam = { ...writer, atToken: tokens, pauseMs: 0, continued: true, sameFile };
  return [...seams.filter(({ atToken }) => atToken !== tokens), seam];
}

function wrote(answer: Answer, change: Extract<AnswerChange, { type: 'wrote' }>): Answer {
  const { text, thought = answer.thought, tokens, tokensPerSecond, sha256 } = change;
  // Nobody is named when this device writes, so its seam is shown with its first words.
  const continuesHere = answer.scope === 'device' && answer.text !== '' && answer.state !== 'writing';
  const seams = continuesHere ? continuedBy(answer, { provider: null, native: false }, sha256) : answer.seams;
  return { ...answer, state: 'writing', left: false, text, thought, tokens, tokensPerSecond, seams };
}

function done(
  answer: Answer,
  { summary, tokens, thought = answer.thought, ids }: Extract<AnswerChange, { type: 'done' }>,
): Answer {
  const { path, firstTokenMs, tokensPerSecond, completionTokens, receipt: signed } = summary;
  const cut = summary.finish === 'length';
  return {
    ...answer,
    state: 'done',
    thought,
    tokens: cut ? tokens : completionTokens,
    ids: cut ? ids : null,
    receipt: { path, firstTokenMs, tokensPerSecond, completionTokens, cut, signed },
  };
}

/** Nothing new came, so what was there before is worth more. */
function inVain({ text }: Answer, before: Answer): boolean {
  return before.text !== '' && (text === '' || text === before.text);
}
