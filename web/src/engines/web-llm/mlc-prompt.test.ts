import type { PlainTurn } from '@llmesh/core/syntax/plain-turns';
import { MLCEngine } from '@mlc-ai/web-llm';
import { expect, it } from 'vitest';
import { mlcPrompt, templateOf } from './mlc-prompt.ts';

const CHATML = {
  system_template: '<|im_start|>system\n{system_message}<|im_end|>\n',
  system_message: 'You are a helpful assistant.',
  roles: { user: '<|im_start|>user', assistant: '<|im_start|>assistant', tool: '<|im_start|>user' },
  role_templates: { user: '{user_message}', assistant: '{assistant_message}', tool: '{tool_message}' },
  role_content_sep: '\n',
  role_empty_sep: '\n',
  seps: ['<|im_end|>\n'],
  stop_str: ['<|im_end|>'],
  stop_token_ids: [2],
};
const BARE = {
  system_template: '{system_message}',
  system_message: '',
  roles: { user: 'USER', assistant: 'ASSISTANT' },
};
const templates = {
  ChatML: CHATML,
  'no system message': { ...CHATML, system_message: '', render_empty_system_message: false },
  'separators in turns, nothing else said': { ...BARE, seps: [' ', '</s>'], stop_str: [], stop_token_ids: [] },
  'the first user without a name': {
    ...BARE,
    system_message: '[INST]',
    seps: [' '],
    role_content_sep: '',
    role_empty_sep: '',
    add_role_after_system_message: false,
    stop_str: [],
    stop_token_ids: [],
  },
  'a place for functions': { ...CHATML, role_templates: { user: 'Q {user_message}{function_string}!' } },
};
const user = (content: string): PlainTurn => ({ role: 'user', content });
const talks: PlainTurn[][] = [
  [user('hello')],
  [user('one'), { role: 'assistant', content: ' two\n' }, user('three')],
  [{ role: 'system', content: 'Be brief.' }, user("$& $$ $' {user_message} {assistant_message}")],
  [{ role: 'system', content: '' }, user('a'), { role: 'assistant', content: '' }, user('🙂')],
];

interface Conversation {
  appendMessage(role: 'user', text: string): void;
  appendReplyHeader(role: 'assistant'): void;
  getPromptArray(): string[];
}

/** What web-llm itself would prefill: its own code, but for the model. */
function ownPrompt(template: object, turns: PlainTurn[]): string {
  let conversation: Conversation | undefined;
  const pipelineWithoutModel = {
    getConversationObject: () => undefined,
    getFinishReason: () => 'abort',
    resetChat: () => {},
    setConversation: (made: Conversation) => {
      conversation = made;
    },
  };
  const engine = new MLCEngine() as unknown as {
    preparePrefillInput(input: object, pipeline: object, config: object): { inputStr: string };
  };
  const config = { conv_template: template };
  const { inputStr } = engine.preparePrefillInput({ messages: turns }, pipelineWithoutModel, config);
  if (conversation === undefined) throw new Error('web-llm made no conversation');
  conversation.appendMessage('user', inputStr);
  conversation.appendReplyHeader('assistant');
  return conversation.getPromptArray().join('');
}

it.each(Object.entries(templates))('writes the prompt that web-llm writes itself: %s', (_, conv_template) => {
  const template = templateOf({ conv_template, tokenizer_info: { token_postproc_method: 'byte_level' } });
  if (template === null) throw new Error('not accepted');
  for (const turns of talks) expect(mlcPrompt(template, turns).join('')).toBe(ownPrompt(conv_template, turns));
});

it.each([
  ['a tokenizer that drops the first space', { tokenizer_info: { token_postproc_method: 'byte_fallback' } }],
  ['an unknown tokenizer', { tokenizer_info: undefined }],
  ['tokens before the text', { conv_template: { ...CHATML, system_prefix_token_ids: [1] } }],
  ['a template that is overwritten', { conv_config: { seps: ['!'] } }],
  ['no template', { conv_template: undefined }],
  ['a broken template', { conv_template: { ...CHATML, seps: [] } }],
])('does not claim to go on with %s', (_, part) => {
  const config = { conv_template: CHATML, tokenizer_info: { token_postproc_method: 'byte_level' } };
  expect(templateOf(config)).not.toBeNull();
  expect(templateOf({ ...config, ...part })).toBeNull();
});
