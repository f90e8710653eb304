import { describe, expect, it } from 'vitest';
import { renderChat } from './chat-prompt.ts';
import { CHATML_TEMPLATE, ChatTemplate, MAX_TEMPLATE_CHARS } from './chat-template.ts';
import { MAX_PROMPT_BYTES, MAX_TURNS, type Turn } from '../protocol.ts';

const values = { messages: [{ role: 'user', content: 'Hello' }], bos_token: '', eos_token: '' };
const render = (source: string, more: object = {}) => new ChatTemplate(source).render({ ...values, ...more });
/** Makes `ns.s` 2^k times "xy" for what follows. */
const doubled = (k: number) =>
  `{% set ns = namespace(s='xy') %}{% for a in range(${k}) %}{% set ns.s = ns.s + ns.s %}{% endfor %}`;

/** Templates of which each would run for ever, or fill the memory. */
const BOMBS = {
  'a long range': '{% for a in range(1000000000) %}{% endfor %}',
  'a long range by another name': '{% set r = range %}{% for a in r(1000000000) %}{% endfor %}',
  'a range of tiny steps': '{% for a in range(0, 1, 0.0000000001) %}{% endfor %}',
  'loops in loops': '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}',
  'a text that doubles': `${doubled(60)}{{ ns.s }}`,
  'a list that doubles': doubled(60).replace("'xy'", '[1]'),
  'a list of itself twice, and so on': `{% set ns = namespace(s=[1]) %}{% for a in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}`,
  'a mapping of itself twice, and so on': `{% set ns = namespace(s=1) %}{% for a in range(60) %}{% set ns.s = {'a': ns.s, 'b': ns.s} %}{% endfor %}{{ ns.s | tojson }}`,
  'what holds itself': '{% set ns = namespace(s=1) %}{% set ns.s = [ns, ns] %}{{ ns.s }}',
  'a macro that calls itself': '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}',
  'a macro that calls itself twice':
    '{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}',
  'a text joined by a text': `${doubled(16)}{{ range(99000) | join(ns.s) }}`,
  'a text with a text for each letter': `${doubled(12)}{{ ns.s | replace('x', ns.s) }}`,
  'slices of a long text': `${doubled(15)}{% for a in range(99999) %}{{ ns.s[:1] }}{% endfor %}`,
  'many dates': "{% for a in range(99999) %}{{ strftime_now('%Y' + a | string) }}{% endfor %}",
  brackets: `{{ ${'('.repeat(60_000)}1${')'.repeat(60_000)} }}`,
  'blocks in blocks': `${'{% if true %}'.repeat(4_000)}x${'{% endif %}'.repeat(4_000)}`,
  'a long template': 'x'.repeat(MAX_TEMPLATE_CHARS + 1),
};

describe('ChatTemplate', () => {
  it.each(Object.entries(BOMBS))('ends %s', (_, source) => {
    expect(() => render(source)).toThrow();
  });

  it('renders the most turns and the longest text, by a template that does all that templates do', () => {
    // Like templates of models that think and call tools: each turn looks at the list and at earlier turns.
    const rich =
      "{%- set ns = namespace(last=0, system='') %}{%- for m in messages %}{%- if m.role == 'user' %}{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}" +
      "{%- if messages[0]['role'] == 'system' %}{%- set ns.system = messages[0]['content'] | trim %}{%- endif %}" +
      '{%- macro block(role, text) %}{{ "<|" ~ role ~ "|>" }}{{ text }}{{ "<|end|>" }}{%- endmacro %}' +
      "{{ strftime_now('%d %b %Y') }}" +
      '{%- for m in messages %}{%- set content = m.content if m.content is string else "" %}' +
      "{%- if '</think>' in content %}{%- set content = content.split('</think>')[-1].lstrip('\\n') %}{%- endif %}" +
      "{%- if (m.role == 'user' or (m.role == 'system' and not loop.first)) and loop.index0 <= ns.last %}{{ block(m.role, content | trim) }}" +
      "{%- elif loop.last or messages[loop.index0 + 1]['role'] != 'tool' %}{{ block('assistant', content) }}{%- endif %}{%- endfor %}";
    const content = 'x'.repeat(MAX_PROMPT_BYTES / MAX_TURNS);
    const messages = Array.from({ length: MAX_TURNS }, (_, i) => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content,
    }));
    expect(render(rich, { messages }).length).toBeGreaterThan(MAX_PROMPT_BYTES);
    const long = [{ role: 'user', content: 'x'.repeat(MAX_PROMPT_BYTES) }];
    expect(render(rich, { messages: long }).length).toBeGreaterThan(MAX_PROMPT_BYTES);
  });

  it('has everything that the library has', () => {
    expect(render('{{ range(3) }}{{ range(1, 6, 2) }}{{ range(3, 0, -1) }}{{ range(2, 1) }}')).toBe(
      '[0, 1, 2][1, 3, 5][3, 2, 1][]',
    );
    expect(render('{{ true }}{{ False }}{{ none is none }}{{ strftime_now("%Y") }}')).toBe(
      `truefalsetrue${new Date().getFullYear()}`,
    );
    expect(() => render("{{ raise_exception('Roles must alternate') }}")).toThrow('Roles must alternate');
  });
});

describe('a name that stands for nothing', () => {
  it.each([
    ['has no items', '{% for tool in tools %}x{% endfor %}', ''],
    ['has no items that are chosen', '{% for tool in documents if tool.name %}x{% endfor %}', ''],
    ['has no attributes', '{{ documents.first.title }}', ''],
    ['contains nothing', "{{ 'x' in documents }}", 'false'],
    ['is as long as nothing', '{{ tools | length }}{{ tools | trim }}{{ tools | join(",") }}', '0'],
    ['adds nothing to a text', "{{ 'a' ~ tools ~ 'b' }}", 'ab'],
    ['may have a default', "{{ date | default('today') }}", 'today'],
  ])('%s', (_, source, text) => {
    expect(render(source)).toBe(text);
  });
});

const tokens = { bos: '<s>', eos: '</s>' };
const conversation: Turn[] = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Why?\n' },
];

describe('the prompt', () => {
  it('follows the template, and ends where the answer begins', () => {
    expect(renderChat(CHATML_TEMPLATE, conversation, tokens)).toBe(
      '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhy?\n<|im_end|>\n<|im_start|>assistant\n',
    );
    const llama2 =
      "{{ bos_token }}{% for m in messages %}[{{ m['role'] | upper }}] {{ m['content'] | trim }}{% endfor %}";
    expect(renderChat(llama2, conversation, tokens)).toBe('<s>[SYSTEM] Be brief.[USER] Why?');
  });

  it.each(['{% for %}', "{{ raise_exception('no system') }}", '{{ undefined_function() }}'])(
    'says so when the template is broken: %s',
    (template) => {
      expect(() => renderChat(template, conversation, tokens)).toThrow(
        expect.objectContaining({ code: 'model_unreadable' }),
      );
    },
  );
});
