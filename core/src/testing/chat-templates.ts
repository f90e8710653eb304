/** Small chat templates in the manner of families of models: each has what makes its family hard to serve. */

const ASKS = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
const STRICT =
  "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}";

/** Functions in a system turn, thoughts that can be turned off, calls as JSON between tags. */
const QWEN =
  "{%- if tools %}{{- '<|im_start|>system\\n' }}{% if messages[0].role == 'system' %}{{ messages[0].content + '\\n' }}{% endif %}<tools>{% for tool in tools %}{{ tool | tojson }}{% endfor %}</tools><|im_end|>\n{% elif messages[0].role == 'system' %}{{ '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}{% endif %}" +
  "{%- for m in messages %}{% set content = m.content if m.content is string else '' %}{% if m.role == 'user' or (m.role == 'system' and not loop.first) %}{{ '<|im_start|>' + m.role + '\\n' + content + '<|im_end|>\\n' }}" +
  "{%- elif m.role == 'assistant' %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{ '<|im_start|>assistant\\n' + content }}{% for call in m.tool_calls %}{{ '\\n<tool_call>\\n{\"name\": \"' + call.function.name + '\", \"arguments\": ' }}{{ call.function.arguments if call.function.arguments is string else call.function.arguments | tojson }}{{ '}\\n</tool_call>' }}{% endfor %}{{ '<|im_end|>\\n' }}" +
  "{%- elif m.role == 'tool' %}{{ '<|im_start|>user\\n<tool_response>\\n' + content + '\\n</tool_response><|im_end|>\\n' }}{% endif %}{% endfor %}" +
  "{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}{% endif %}";

const turnsWith = (call: string, head: string, more = '') =>
  `${head}{% for m in messages %}{{ '<|' + m.role + '|>\\n' }}{{ m.content or '' }}${more}{% for c in m.tool_calls %}${call}{% endfor %}{{ '\\n' }}{% endfor %}`;
const OFFERS = '{% for tool in tools %}{{ tool | tojson }}{% endfor %}';

export const TEMPLATES = {
  chatml: `{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}${ASKS}`,
  /** Neither a system turn nor two turns of one role. */
  gemma: `{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}${STRICT}{{ '<start_of_turn>' + m['role'] + '\\n' + m['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}<start_of_turn>model\n`,
  /** The system turn is a part of the first question. */
  llama2: `{% if messages[0]['role'] == 'system' %}{% set system = '<<SYS>>' + messages[0]['content'] + '<</SYS>>' %}{% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}${STRICT}{{ (system if loop.first else '') + '[INST] ' + m['content'] + ' [/INST]' }}{% endfor %}`,
  /** Vision models want a list of parts. */
  parts: `{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}{% for part in m.content %}{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}{{ '<|im_end|>\\n' }}{% endfor %}${ASKS}`,
  qwen: QWEN,
  coder: turnsWith(
    "{{ '\\n<tool_call>\\n<function=' + c.function.name + '>\\n' }}{% for k, v in c.function.arguments | items %}{{ '<parameter=' + k + '>\\n' + v + '\\n</parameter>\\n' }}{% endfor %}{{ '</function>\\n</tool_call>' }}",
    OFFERS,
  ),
  glm: `${turnsWith(
    "{{ '\\n<tool_call>' + c.function.name + '\\n' }}{% for k, v in c.function.arguments.items() %}{{ '<arg_key>' + k + '</arg_key>\\n<arg_value>' + v + '</arg_value>\\n' }}{% endfor %}{{ '</tool_call>' }}",
    OFFERS,
    "{% if '</think>' in (m.content or '') %}{% endif %}",
  )}<|assistant|>{{ '\\n<think></think>' if (enable_thinking is defined and not enable_thinking) else '' }}`,
  llama3: `${turnsWith('{{ \'{"name": "\' + c.function.name + \'", "parameters": \' + c.function.arguments | tojson + \'}\' }}', OFFERS)}<|assistant|>\n`,
  /** Ids have nine characters, and turns alternate but for calls and results. */
  mistral:
    "{% set ns = namespace(n=0) %}{% for t in tools %}{{ t | tojson }}{% endfor %}{% for m in messages %}{% if m.role == 'system' %}{% if not loop.first %}{{ raise_exception('System comes first') }}{% endif %}{{ m.content }}{% elif m.tool_calls is defined %}{{ m.content or '' }}[TOOL_CALLS] [{% for c in m.tool_calls %}{% if c.id | length != 9 %}{{ raise_exception('Ids have nine characters') }}{% endif %}{% set out = c.function | tojson %}{{ out[:-1] }}{{ ', \"id\": \"' + c.id + '\"}' }}{{ ', ' if not loop.last else ']' + eos_token }}{% endfor %}{% elif m.role == 'tool' %}[TOOL_RESULTS]{{ m.content }}[/TOOL_RESULTS]{% else %}{% if (m.role == 'user') != (ns.n % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}{% set ns.n = ns.n + 1 %}{{ '[INST]' + m.content + '[/INST]' if m.role == 'user' else m.content + eos_token }}{% endif %}{% endfor %}",
  magistral: turnsWith(
    "{{ '[TOOL_CALLS]' + c.function.name + '[ARGS]' + c.function.arguments | tojson }}",
    `Think between [THINK] and [/THINK].${OFFERS}`,
  ),
  /** Thoughts are always begun, and calls stand beside no content at all. */
  r1: `{{ bos_token }}${OFFERS}{% for m in messages %}{% if m.role == 'assistant' and m.content is none %}{% for c in m.tool_calls %}{{ '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>' + c.type + '<｜tool▁sep｜>' + c.function.name + '\\n\`\`\`json\\n' + c.function.arguments + '\\n\`\`\`<｜tool▁call▁end｜>' }}{% endfor %}{% elif m.role == 'assistant' %}{{ '<｜Assistant｜>' + m.content.split('</think>')[-1] }}{% else %}{{ '<｜' + m.role + '｜>' + m.content }}{% endif %}{% endfor %}<｜Assistant｜><think>\n`,
  kimi: turnsWith(
    "{{ '<|tool_calls_section_begin|><|tool_call_begin|>' + c.id + '<|tool_call_argument_begin|>' + (c.function.arguments if c.function.arguments is string else c.function.arguments | tojson) + '<|tool_call_end|><|tool_calls_section_end|>' }}",
    OFFERS,
  ),
  gptoss: `<|start|>system<|message|>Reasoning: {{ reasoning_effort | default('medium') }}<|end|>${OFFERS}{% for m in messages %}{% if m.tool_calls %}{% if m.content %}{{ '<|start|>assistant<|channel|>analysis<|message|>' + m.content + '<|end|>' }}{% endif %}{% for c in m.tool_calls %}{{ '<|start|>assistant to=functions.' + c.function.name + '<|channel|>commentary json<|message|>' + c.function.arguments | tojson + '<|call|>' }}{% endfor %}{% else %}{{ '<|start|>' + m.role + '<|message|>' + m.content + '<|end|>' }}{% endif %}{% endfor %}<|start|>assistant`,
  gemma4: `${turnsWith("{{ '<|tool_call>call:' + c.function.name + '{' }}{% for k, v in c.function.arguments | items %}{{ k + ':<|\"|>' + v + '<|\"|>' }}{% endfor %}{{ '}<tool_call|>' }}", OFFERS)}<|turn>model\n{% if not enable_thinking | default(false) %}{{ '<|channel>thought\\n<channel|>' }}{% endif %}`,
  /** It offers functions, but writes calls as nobody reads them. */
  named: turnsWith("{{ 'I call ' + c.function.name }}", OFFERS),
} as const;
