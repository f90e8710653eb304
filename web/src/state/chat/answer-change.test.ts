/** The state machine of an answer: every state with every change, and what the changes carry. */
import { billOf } from '@llmesh/core/ask/bill';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import type { Candidate } from '@llmesh/core/wire/candidate';
import type { AnswerSummary } from '@llmesh/core/ask/answer';
import { describe, expect, it } from 'vitest';
import { next, type AnswerChange } from './answer-change.ts';
import { newAnswer, type Answer, type AnswerState } from './turn.ts';

const SHA256 = 'a'.repeat(64);
const MODEL = { id: 'qwen3-8b' as ModelId, name: 'Qwen3 8B', quant: 'q4' };
const NOTHING = newAnswer('1', 'anyone', MODEL);
const KEPT: Answer = {
  ...NOTHING,
  state: 'stopped',
  provider: newPeerId(),
  native: true,
  text: 'Half an ',
  tokens: 3,
  ids: { tokenIds: [7, 8, 9], sha256: SHA256 },
};
const error = { code: 'connect_failed' as const, message: 'No way there.' };

function candidate(sha256: string | null = null, agent: Candidate['agent'] = 'native'): Candidate {
  return { peerId: newPeerId(), agent, model: { sha256 } } as Candidate;
}

function summary(finish: AnswerSummary['finish']): AnswerSummary {
  return {
    provider: newPeerId(),
    finish,
    promptTokens: 3,
    completionTokens: 5,
    path: 'relay',
    receipt: 'signed',
    seams: [],
    bill: billOf([]),
    firstTokenMs: 310,
    tokensPerSecond: 38,
  };
}

const seam = { provider: newPeerId(), atToken: 3, pauseMs: 20, sameFile: true };
const changes = {
  asked: { type: 'asked', scope: 'anyone', model: MODEL, goOn: false },
  held: { type: 'held', why: 'model', before: NOTHING },
  queued: { type: 'queued', position: 2, estimateMs: 4_000 },
  provider: { type: 'provider', candidate: candidate() },
  'accepted behind others': { type: 'accepted', ahead: 1 },
  accepted: { type: 'accepted', ahead: 0 },
  wrote: { type: 'wrote', text: 'Half', tokens: 1, tokensPerSecond: null, sha256: null },
  interrupted: { type: 'interrupted', slept: false },
  resumed: { type: 'resumed', candidate: candidate(), seam },
  done: { type: 'done', summary: summary('stop'), tokens: 5, ids: null },
  stopped: { type: 'stopped', ids: null, before: NOTHING },
  failed: { type: 'failed', error, ids: null, before: NOTHING },
  closed: { type: 'closed' },
} satisfies Record<string, AnswerChange>;

const STATES: AnswerState[] = [
  'waiting',
  'looking',
  'queued',
  'reading',
  'writing',
  'done',
  'stopped',
  'failed',
  'interrupted',
];
/** A row a change, a column a state of `STATES`; '–': it means nothing there. */
const TABLE: Record<keyof typeof changes, string> = {
  asked: 'looking – – – – looking looking looking looking',
  held: 'waiting waiting waiting waiting waiting waiting waiting waiting waiting',
  queued: '– queued queued queued queued – – – –',
  provider: '– looking looking looking looking – – – –',
  'accepted behind others': '– queued queued queued queued – – – –',
  accepted: '– reading reading reading reading – – – –',
  wrote: '– writing writing writing writing – – – –',
  interrupted: '– looking looking looking looking – – – –',
  resumed: '– looking queued reading writing – – – –',
  done: '– done done done done – – – –',
  stopped: 'stopped stopped stopped stopped stopped – – – –',
  failed: '– failed failed failed failed – – – –',
  closed: '– interrupted interrupted interrupted interrupted – – – –',
};

describe.each(Object.entries(TABLE))('an answer that is told "%s"', (name, row) => {
  const change = changes[name as keyof typeof changes];
  it.each(row.split(' ').map((then, at) => [STATES[at]!, then] as const))('%s → %s', (state, then) => {
    const answer: Answer = { ...NOTHING, state };
    const frozen = Object.freeze(structuredClone(answer));
    const after = next(frozen, change);
    if (then === '–') expect(after).toBe(frozen);
    else expect(after.state).toBe(then);
    expect(frozen).toEqual(answer);
  });
});

/** The answer after all of these, one by one. */
function after(answer: Answer, ...all: AnswerChange[]): Answer {
  return all.reduce(next, answer);
}

const goOn: AnswerChange = { ...changes.asked, goOn: true };
const anew = changes.asked;

it('asked anew forgets what was written, and continued keeps it', () => {
  expect(next(KEPT, anew)).toEqual(NOTHING);
  expect(next(KEPT, goOn)).toEqual({ ...KEPT, state: 'looking' });
});

it('shows who began it, and after a continuation by another a seam in place of one who wrote no word', () => {
  const [first, second] = [candidate(), candidate(SHA256, 'browser')];
  expect(next(NOTHING, { type: 'provider', candidate: first })).toMatchObject({ provider: first.peerId, seams: [] });
  const continued = after(KEPT, goOn, { type: 'provider', candidate: first }, { type: 'provider', candidate: second });
  expect(continued.provider).toBe(KEPT.provider);
  expect(continued.seams).toEqual([
    { provider: second.peerId, native: false, atToken: 3, pauseMs: 0, continued: true, sameFile: true },
  ]);
});

it('continued by this device has its seam from the first words on, and no other', () => {
  const here: Answer = { ...KEPT, scope: 'device' };
  const words = (text: string, tokens: number): AnswerChange => ({ ...changes.wrote, text, tokens, sha256: SHA256 });
  const asked: AnswerChange = { ...changes.asked, scope: 'device', goOn: true };
  const written = after(here, asked, changes.accepted, words('Half an answer', 4), words('Half an answer.', 5));
  expect(written).toMatchObject({ text: 'Half an answer.', tokens: 5 });
  expect(written.seams).toEqual([
    { provider: null, native: false, atToken: 3, pauseMs: 0, continued: true, sameFile: true },
  ]);
});

it('is left from the loss of its writer to the next word', () => {
  const lost = after(NOTHING, changes.wrote, changes.interrupted);
  expect(lost).toMatchObject({ state: 'looking', left: true });
  const resumed = next(lost, changes.resumed);
  expect(resumed).toMatchObject({ left: true, seams: [{ ...seam, native: true, continued: false }] });
  expect(next(resumed, changes.wrote).left).toBe(false);
});

it('that is whole needs no ids, and one that was cut keeps what came to be continued', () => {
  const ids = { tokenIds: [1, 2, 3, 4], sha256: SHA256 };
  const writing = next(NOTHING, changes.wrote);
  expect(next(writing, { ...changes.done, ids })).toMatchObject({ tokens: 5, ids: null, receipt: { cut: false } });
  expect(next(writing, { type: 'done', summary: summary('length'), tokens: 4, ids })).toMatchObject({
    tokens: 4,
    ids,
    receipt: { cut: true, signed: 'signed', path: 'relay', completionTokens: 5 },
  });
});

describe('asked again in vain', () => {
  const before = KEPT;
  it.each([
    ['anew', anew],
    ['after its last word', goOn],
  ])('%s, is what it was when the person stops, and says what failed', (_how, again) => {
    const asked = after(before, again, { type: 'provider', candidate: candidate() });
    expect(next(asked, { type: 'stopped', ids: null, before })).toEqual(before);
    expect(next(asked, { type: 'failed', error, ids: null, before })).toEqual({ ...before, state: 'failed', error });
    const waited: Answer = { ...before, state: 'waiting', why: 'busy' };
    expect(next(asked, { type: 'stopped', ids: null, before: waited })).toEqual(before);
  });

  it('keeps its question when nobody can be asked, but its old text when that was to be replaced', () => {
    const held: AnswerChange = { type: 'held', why: 'mesh', before };
    expect(next(next(before, goOn), held)).toMatchObject({ state: 'waiting', why: 'mesh', text: before.text });
    expect(next(next(before, anew), held)).toMatchObject({
      state: 'failed',
      text: before.text,
      error: { code: 'control_unreachable', message: 'Can’t reach the mesh yet. What you have is kept.' },
    });
  });

  it('keeps every new word, and its ids', () => {
    const ids = { tokenIds: [4], sha256: SHA256 };
    const asked = after(before, anew, changes.wrote);
    expect(next(asked, { type: 'stopped', ids, before })).toMatchObject({ state: 'stopped', text: 'Half', ids });
    expect(next(asked, { type: 'failed', error, ids, before })).toMatchObject({ state: 'failed', text: 'Half', ids });
  });
});
