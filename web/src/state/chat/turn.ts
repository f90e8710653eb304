/** What a conversation is made of, as it is shown and as it is kept. */
import type { Bill } from '@llmesh/core/ask/bill';
import { mayGoOn, type KeptAnswer } from '@llmesh/core/ask/delivered-answer';
import type { ErrorCode } from '@llmesh/core/base/errors';
import type { ModelId, PeerId } from '@llmesh/core/base/ids';
import type { Path } from '@llmesh/core/transport/transport';
import type { Scope } from '../scope.ts';
import type { AskedAdapter } from './adapters/adapter-choice.svelte.ts';
import type { AnswerCheck } from './check/answer-check.ts';
import type { QuestionFile } from './files/question-file.ts';
import type { Thought } from './thought.ts';
import { saidSyntax } from './unsaid-syntax.ts';
import { MAX_TOKENS } from '../settings.svelte.ts';
import type { Seam } from '@llmesh/core/ask/answer';

/** The model as it was named when the question was asked. */
export interface AskedModel {
  id: ModelId;
  name: string;
  quant: string;
  /** The SHA-256 of its file, where the id alone means another file; null: no particular file. */
  sha256?: string | null | undefined;
  /** The visitor's own adapter that it answers with. Left out: it answers as it is. */
  adapter?: AskedAdapter | undefined;
}

/** Facts of a finished answer. A fact nobody measured is null, and is not shown. */
export interface Receipt {
  path: Path | null;
  firstTokenMs: number | null;
  tokensPerSecond: number | null;
  completionTokens: number;
  /** The model was cut off by the length limit. */
  cut: boolean;
  /** signed: by both ends; refused: the volunteer's was untrue, and was not signed; none: there was none to sign. */
  signed: 'signed' | 'refused' | 'none';
}

/**
 * waiting: no way to ask yet, the question is kept (`why` says what is missing) · looking: a volunteer is sought, or the model of this device loaded ·
 * queued: others come first · reading: it is their turn · writing · done · stopped: by the person · failed: `error` says why ·
 * interrupted: the page that had it written was closed.
 */
export type AnswerState =
  | 'waiting'
  | 'looking'
  | 'queued'
  | 'reading'
  | 'writing'
  | 'done'
  | 'stopped'
  | 'failed'
  | 'interrupted';
/** trusted: nobody they trust has the model · busy: all who have it are busy · device: what it can run is not known */
export type WaitingFor = 'network' | 'mesh' | 'model' | 'trusted' | 'busy' | 'device';

/** Where somebody continued an answer. */
export interface ShownSeam extends Omit<Seam, 'provider'> {
  /** null: this device. */
  provider: PeerId | null;
  /** The provider is a desktop worker. */
  native: boolean;
  /** The answer had ended, and the person asked to continue it. */
  continued: boolean;
}

export interface Question {
  role: 'user';
  id: string;
  /** What it follows; null: nothing. Left out: the turn kept before it. */
  after?: string | null | undefined;
  /** What was attached to it. Left out: nothing. */
  files?: readonly QuestionFile[] | undefined;
  text: string;
}

/** The tokens behind a text, in the vocabulary of this model file. */
export interface KeptIds {
  tokenIds: number[];
  sha256: string;
}

export interface Answer {
  role: 'assistant';
  id: string;
  /** What it follows; null: nothing. Left out: the turn kept before it. */
  after?: string | null | undefined;
  /** The person wrote it in place of the model. Left out: they did not. */
  edited?: true | undefined;
  /** Who can answer, as chosen when it was asked. */
  scope: Scope;
  /** null: asked while nobody lent anything; the next model that comes is taken. */
  model: AskedModel | null;
  state: AnswerState;
  why: WaitingFor | null;
  /** The provider that began it. */
  provider: PeerId | null;
  /** The provider is a desktop worker. */
  native: boolean;
  /** While queued: how many tasks come before this one, including the one that runs. */
  ahead: number;
  /** While queued: the time until its turn; null: not known. */
  estimateMs: number | null;
  /** While queued: others go first because they have the credits for it, and the person has not. */
  behindPayers: boolean;
  /** Its writer is gone, and nobody has continued it yet. */
  left: boolean;
  /** The program, and its model, that wrote it, where it came from a file; null: it was asked for here. */
  foreign: string | null;
  /** As the model wrote it, so that another can continue after it: `saidOf` is what it says. */
  text: string;
  /** Its parts, where the model thinks before it speaks; null: all of the text is said. */
  thought: Thought | null;
  tokens: number;
  /** So many were asked for at most. Left out: as many as usual. */
  most?: number | undefined;
  /** The token ids of an unfinished answer, so that it can be continued; null: not known. */
  ids: KeptIds | null;
  /** Those who continued it, in order. */
  seams: ShownSeam[];
  /** The speed of this answer, while it is written. */
  tokensPerSecond: number | null;
  /** The bytes of the visitor's adapter that are on their way to the provider. Left out: none are, or all came. */
  givenBytes?: number | undefined;
  receipt: Receipt | null;
  /** What others found who checked it; null: it was not drawn for a check. */
  check: AnswerCheck | null;
  /** What it cost; null: nobody has delivered anything for it, or this device wrote it. */
  bill: Bill | null;
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
    estimateMs: null,
    behindPayers: false,
    left: false,
    foreign: null,
    text: '',
    thought: null,
    tokens: 0,
    ids: null,
    seams: [],
    tokensPerSecond: null,
    receipt: null,
    check: null,
    bill: null,
    error: null,
  };
}

/** What the model says, without what it thought before. */
export function saidOf({ text, thought }: Pick<Answer, 'text' | 'thought'>): string {
  return thought === null ? text : thought.said;
}

/** Is somebody at work for this answer, or being sought? */
export function isRunning(answer: Answer): boolean {
  return RUNNING.has(answer.state);
}

/** Was it cut short, and can somebody continue after its last word? Where the model's memory was full, with less of what came before. */
export function canGoOn(answer: Answer): boolean {
  const { state, receipt, error, text } = answer;
  const cut = state === 'done' && receipt?.cut === true;
  const unfinished = state === 'stopped' || state === 'failed' || state === 'interrupted' || cut;
  return unfinished && error?.code !== 'prompt_too_long' && text !== '' && mayGoOn(answer);
}

/** Was it cut where we asked for no more, and not where the model's memory was full? */
export function isCutAtLimit({ state, receipt, seams, most = MAX_TOKENS }: Answer): boolean {
  if (state !== 'done' || receipt?.cut !== true) return false;
  const from = seams.findLast(({ continued }) => continued)?.atToken ?? 0;
  return receipt.completionTokens - from >= most;
}

/** Who writes it, or wrote last; null: nobody yet, or this device. */
export function writerOf({ seams, provider }: Answer): PeerId | null {
  return (seams.at(-1) ?? { provider }).provider;
}

/** The prefix for those who continue it; null: there is nothing of it yet. */
export function keptOf({ text, thought, tokens, ids, model }: Answer): KeptAnswer | null {
  if (text === '') return null;
  const syntax = thought === null ? null : saidSyntax(thought.syntax);
  const adapter = model?.adapter?.sha256;
  const kept = { text, tokens, tokenIds: ids?.tokenIds ?? null, sha256: ids?.sha256 ?? null, syntax };
  return adapter === undefined ? kept : { ...kept, adapter };
}

const RUNNING: ReadonlySet<AnswerState> = new Set<AnswerState>(['looking', 'queued', 'reading', 'writing']);
