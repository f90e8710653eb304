import { describe, expect, it } from 'vitest';
import { AnswerCheck } from './answer-check.ts';
import { AnswerInputSchema, type AnswerInput } from './answer-messages.ts';
import { FollowedAnswer } from './followed-answer.ts';
import * as v from 'valibot';

const tools = {
  list: '[{"name":"lamp","parameters":{"type":"object","properties":{"on":{"type":"boolean"}},"required":["on"]}}]',
  choice: 'auto',
  parallel: true,
};
const schema = '{"enum":["yes","no"]}';
const inputOf = (more: object): AnswerInput =>
  v.parse(AnswerInputSchema, { turns: [{ role: 'user', content: 'x' }], sampling: {}, prefix: null, ...more });

/** What the requester makes of an answer in one piece; null: it follows what was asked. */
function verdict(
  more: object,
  syntax: string | undefined,
  text: string,
  finish: 'stop' | 'length' = 'stop',
): string | null {
  const input = inputOf(more);
  try {
    const check = new AnswerCheck(input, new FollowedAnswer(input));
    check.piece({ piece: { text, ...(syntax !== undefined && { syntax }) }, units: text.length });
    check.end({ finish });
    return null;
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
}

const call = '<tool_call>{"name":"lamp","arguments":{"on":true}}</tool_call>';
const generic = '{"tool_calls":[{"name":"lamp","arguments":{"on":true}}]}';
const required = { tools: { ...tools, choice: 'required' } };

describe('the check of an answer', () => {
  it.each<[string, object, string | undefined, string, string | null]>([
    ['free words', {}, undefined, 'Hi', null],
    ['thoughts before words', {}, 'none-think', '<think>[[[</think>Hi', null],
    ['thoughts before a form', { schema }, 'none-think', '<think>Hm</think>\n"yes"', null],
    ['a form that is broken behind thoughts', { schema }, 'none-think', '<think>Hm</think>\nyes', 'bad_message'],
    ['thoughts alone where a form was asked for', { schema }, 'none-think-begun', 'Hm', 'bad_message'],
    ['the generic form', { tools }, 'generic', generic, null],
    ['the generic form, broken', { tools }, 'generic', generic.replace('true', '1'), 'bad_message'],
    ['the generic form behind thoughts', { tools }, 'generic-think', `<think>x</think>${generic}`, null],
    ['the generic form with a value', { tools, schema }, 'generic', '{"value":"no"}', null],
    ['calls in a dialect', { tools }, 'hermes', call, null],
    ['the call that there must be', required, 'hermes', call, null],
    ['words where there must be a call', required, 'hermes', 'No.', 'bad_message'],
    ['words where functions were offered', { tools }, undefined, 'No.', 'bad_message'],
    ['calls that nobody offered', {}, 'hermes', call, 'bad_message'],
    ['a dialect where what is said has a form', { tools, schema }, 'hermes', call, 'bad_message'],
    ['a syntax that nobody knows', {}, 'klingon', 'x', 'unsupported'],
  ])('of %s', (_, more, syntax, text, code) => {
    expect(verdict(more, syntax, text)).toBe(code);
  });

  it('goes on where others stopped, in the same syntax only', () => {
    const prefix = { text: '<think>Hm</think>"y', tokens: 5, tokenIds: null, syntax: 'none-think' };
    expect(verdict({ schema, prefix }, 'none-think', 'es"')).toBeNull();
    expect(verdict({ schema, prefix }, 'none-think', 'ep"')).toBe('bad_message');
    expect(verdict({ schema, prefix }, undefined, 'es"')).toBe('unsupported');
  });

  it('lets an answer be cut at its limit', () => {
    expect(verdict({ schema }, undefined, '"ye', 'length')).toBeNull();
    expect(verdict(required, 'hermes', 'No', 'length')).toBeNull();
  });
});
