/** What a conversation is made of, as it is shown and as it is kept. */
import type { ErrorCode } from '@llmesh/core/errors';
import type { ModelId, PeerId } from '@llmesh/core/ids';
import type { Seam } from '@llmesh/core/requester';
import type { Path } from '@llmesh/core/transport';
import type { Scope } from './scope.ts';

/** The model as it was called when the question was asked. */
export interface AskedModel {
  id: ModelId;
  name: string;
  quant: string;
}

/** Facts of a finished answer. A fact nobody measured is null, and is not shown. */
export interface Receipt {
  path: Path | null;
  firstTokenMs: number | null;
  tokensPerSecond: number | null;
  completionTokens: number;
  /** The model was cut off by the length limit. */
  cut: boolean;
  /** By both ends; refused: the volunteer's was untrue, and was not signed; none: there was none to sign. */
  signed: 'signed' | 'refused' | 'none';
}

/**
 * waiting: no way to ask yet, the question is kept (`why` says what is missing) · looking: a volunteer is sought, or the model of this device loaded ·
 * queued: a volunteer has it, others come first · reading: it is their turn · writing · done · stopped: by the person · failed: `error` says why.
 */
export type AnswerState = 'waiting' | 'looking' | 'queued' | 'reading' | 'writing' | 'done' | 'stopped' | 'failed';
/** trusted: nobody of theirs has the model · device: it is not known what this device can run */
export type WaitingFor = 'network' | 'mesh' | 'model' | 'trusted' | 'device';

/** Where another volunteer went on with an answer. */
export interface ShownSeam extends Seam {
  /** It is a desktop worker. */
  native: boolean;
}

export interface Question {
  role: 'user';
  id: string;
  text: string;
}

export interface Answer {
  role: 'assistant';
  id: string;
  /** Who may run it: what was chosen when it was asked. */
  scope: Scope;
  /** null: asked while nobody lent anything; the next model that comes is taken. */
  model: AskedModel | null;
  state: AnswerState;
  why: WaitingFor | null;
  /** Who began it. */
  provider: PeerId | null;
  /** The provider is a desktop worker. */
  native: boolean;
  /** Tasks before this one, while queued. */
  ahead: number;
  text: string;
  tokens: number;
  /** Who went on with it, in their order. */
  seams: ShownSeam[];
  /** Of this answer, while it is written. */
  tokensPerSecond: number | null;
  receipt: Receipt | null;
  error: { code: ErrorCode; message: string } | null;
}

export type ShownTurn = Question | Answer;

export function newAnswer(id: string, scope: Scope, model: AskedModel | null): Answer {
  return {
    role: 'assistant',
    id,
    scope,
    model,
    state: 'looking',
    why: null,
    provider: null,
    native: false,
    ahead: 0,
    text: '',
    tokens: 0,
    seams: [],
    tokensPerSecond: null,
    receipt: null,
    error: null,
  };
}

/** Is somebody at work for this answer, or being sought? */
export function isRunning(answer: Answer): boolean {
  return RUNNING.has(answer.state);
}

const RUNNING: ReadonlySet<AnswerState> = new Set<AnswerState>(['looking', 'queued', 'reading', 'writing']);
