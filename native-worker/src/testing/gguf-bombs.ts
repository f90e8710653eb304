/**
 * Model files that are made to do harm, each from one that is not. Format:
 * https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { readGguf, text, u32, writeGguf, type Tensor } from './gguf-parts.ts';

const [UINT8, UINT16, UINT32, INT32, FLOAT32, STRING, ARRAY, UINT64] = [0, 2, 4, 5, 6, 8, 9, 10];
const MANY = 2n ** 60n;

export interface GgufBomb {
  name: string;
  /**
   * Where it is refused at the latest: when its header is read, when llama.cpp gets it in a process of its own, or when the
   * model is tried.
   */
  refused: 'head' | 'load' | 'trial';
  /** `tiny`: the model that comes with LLMesh. */
  make: (tiny: Uint8Array) => Uint8Array;
}

/** Their chat templates run for ever, or fill the memory. */
const TEMPLATES: Record<string, string> = {
  'template-range': '{% for a in range(1000000000) %}{% endfor %}x',
  'template-range-by-another-name': '{% set r = range %}{% for a in r(1000000000) %}{% endfor %}x',
  'template-loops': '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}',
  'template-doubling': doubling(60, '{{ ns.s }}'),
  'template-doubling-list': doubling(60, 'x').replace("'xy'", '[1]'),
  'template-replace': doubling(18, "{{ ns.s | replace('x', ns.s) }}"),
  'template-join': doubling(18, '{{ range(99000) | join(ns.s) }}'),
  'template-indent': "{{ 'a\\nb' | indent(500000000) }}",
  'template-nested-lists':
    '{% set ns = namespace(s=[1]) %}{% for a in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}',
  'template-nested-namespaces': namespaces(40),
  'template-macro': '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}',
  'template-macros': '{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}',
  'template-brackets': `{{ ${'('.repeat(60_000)}1${')'.repeat(60_000)} }}`,
  'template-long': 'x'.repeat(4_000_000),
};

export const GGUF_BOMBS: readonly GgufBomb[] = [
  ...inTheHead(),
  ...inTheModel(),
  ...Object.entries(TEMPLATES).map(([name, template]): GgufBomb => ({
    name,
    refused: 'trial',
    make: withFields([['tokenizer.chat_template', string(template)]]),
  })),
];

/** Counts, lengths and lists without end. */
function inTheHead(): GgufBomb[] {
  const architecture = field('general.architecture', string('llama'));
  const files: Record<string, () => Buffer[]> = {
    'kv-count': () => [head(0n, MANY), architecture, zeros()],
    'tensor-count': () => [head(MANY, 1n), architecture, zeros()],
    'tensor-count-small': () => [head(9_000_000n, 1n), architecture, zeros()],
    'string-len': () => [head(0n, 1n), big(2n ** 62n), zeros()],
    'string-len-2g': () => [head(0n, 1n), big(2n ** 31n - 100n), zeros()],
    'value-len': () => [head(0n, 1n), text('a'), u32(STRING), big(2n ** 31n - 100n), zeros()],
    'array-len': () => [head(0n, 1n), text('tokenizer.ggml.tokens'), list(STRING, 2n ** 40n), zeros()],
    'array-u8-len': () => [head(0n, 1n), text('a'), list(UINT8, 2n ** 33n), zeros()],
    'array-u8-there': () => [head(0n, 1n), text('a'), list(UINT8, 2n ** 23n), Buffer.alloc(2 ** 23)],
    'array-empty-texts': () => [head(0n, 1n), text('a'), list(STRING, 2n ** 23n), Buffer.alloc(2 ** 26)],
    'arrays-many': () => [
      head(0n, 64n),
      ...Array.from({ length: 64 }, (_, i) =>
        Buffer.concat([text(`a${i}`), list(UINT8, 2n ** 17n), Buffer.alloc(2 ** 17)]),
      ),
      zeros(),
    ],
    'array-nest': () => [
      head(0n, 1n),
      ...[text('a'), u32(ARRAY), ...Array.from({ length: 100_000 }, () => list(ARRAY, 1n).subarray(4))],
      zeros(),
    ],
    'array-type': () => [head(0n, 1n), text('a'), list(99, 2n ** 40n), zeros()],
    'value-type': () => [head(0n, 1n), text('a'), u32(99), zeros()],
    'proto-key': () => [head(0n, 2n), architecture, field('__proto__.polluted', string('yes')), zeros()],
    'constructor-key': () => [
      head(0n, 2n),
      architecture,
      field('a.constructor.prototype.polluted', string('yes')),
      zeros(),
    ],
    'key-deep': () => [head(0n, 1n), field(Array.from({ length: 30_000 }, () => 'a').join('.'), number(1)), zeros()],
    'keys-many': () => [
      head(0n, 90_000n),
      Buffer.concat(Array.from({ length: 90_000 }, (_, i) => field(`a.${i}`, number(1)))),
    ],
    'keys-twice': () => [head(0n, 2n), architecture, architecture, zeros()],
    'version-0': () => [Buffer.from('GGUF'), u32(0), zeros()],
    'version-huge': () => [Buffer.from('GGUF'), u32(2 ** 32 - 1), zeros()],
    'other-byte-order': () => [Buffer.from('GGUF'), Buffer.of(0, 0, 0, 3), zeros()],
    short: () => [Buffer.from('GGUF'), u32(3)],
  };
  return Object.entries(files).map(([name, parts]) => ({ name, refused: 'head', make: () => Buffer.concat(parts()) }));
}

/** Numbers, names and lists that no model has, in a file that is whole otherwise. */
function inTheModel(): GgufBomb[] {
  const heads: Record<string, GgufBomb['make']> = {
    'alignment-0': withFields([['general.alignment', number(0)]]),
    'alignment-3': withFields([['general.alignment', number(3)]]),
    'alignment-huge': withFields([['general.alignment', number(2 ** 31)]]),
    'alignment-u64': withFields([['general.alignment', long(32n)]]),
    'architecture-number': withFields([['general.architecture', number(1)]]),
    'architecture-proto': withFields([['general.architecture', string('__proto__')]]),
    'architecture-lines': withFields([['general.architecture', string('llama\n\u001B[2J')]]),
    'context-0': withFields([['llama.context_length', number(0)]]),
    'context-huge': withFields([['llama.context_length', long(MANY)]]),
    'embedding-0': withFields([['llama.embedding_length', number(0)]]),
    'embedding-huge': withFields([['llama.embedding_length', number(2 ** 31)]]),
    'layers-0': withFields([['llama.block_count', number(0)]]),
    'layers-huge': withFields([['llama.block_count', number(2 ** 31 - 1)]]),
    'layers-u64': withFields([['llama.block_count', long(MANY)]]),
    'heads-huge': withFields([['llama.attention.head_count', number(2 ** 31 - 1)]]),
    'kv-heads-huge': withFields([['llama.attention.head_count_kv', number(2 ** 31 - 1)]]),
    'heads-list-huge': withFields([
      ['llama.attention.head_count', Buffer.concat([list(UINT32, 4n), ...[1, 2, 3, 2 ** 31].map(u32)])],
    ]),
    'heads-list-long': withFields([
      ['llama.attention.head_count', Buffer.concat([list(UINT32, 500_000n), Buffer.alloc(2_000_000)])],
    ]),
    'experts-huge': withFields([['llama.expert_count', number(2 ** 31 - 1)]]),
    'ff-huge': withFields([['llama.feed_forward_length', number(2 ** 31 - 1)]]),
    'rope-huge': withFields([['llama.rope.dimension_count', number(2 ** 31 - 1)]]),
    'vocab-size-huge': withFields([['llama.vocab_size', number(2 ** 31 - 1)]]),
    'tokens-number': withFields([['tokenizer.ggml.tokens', number(1)]]),
    'tokens-bytes': withFields([['tokenizer.ggml.tokens', Buffer.concat([list(UINT8, 1_536n), Buffer.alloc(1_536)])]]),
    'tokens-twice': withFields([
      [
        'tokenizer.ggml.tokens',
        Buffer.concat([list(STRING, 1_536n), ...Array.from({ length: 1_536 }, () => text('a'))]),
      ],
    ]),
    'tokens-too-many': withFields([
      [
        'tokenizer.ggml.tokens',
        Buffer.concat([list(STRING, 3_000n), ...Array.from({ length: 3_000 }, (_, i) => text(`w${i}`))]),
      ],
      ['tokenizer.ggml.token_type', Buffer.concat([list(INT32, 3_000n), Buffer.alloc(12_000, 1)])],
    ]),
    'token-types-few': withFields([['tokenizer.ggml.token_type', Buffer.concat([list(INT32, 1n), u32(1)])]]),
    'token-types-bytes': withFields([
      ['tokenizer.ggml.token_type', Buffer.concat([list(UINT8, 1_536n), Buffer.alloc(1_536)])],
    ]),
    'scores-few': withFields([['tokenizer.ggml.scores', Buffer.concat([list(FLOAT32, 1n), u32(0)])]]),
    'merges-numbers': withFields([['tokenizer.ggml.merges', Buffer.concat([list(UINT32, 4n), Buffer.alloc(16)])]]),
    'template-number': withFields([['tokenizer.chat_template', number(1)]]),
    'split-count-huge': withFields([['split.count', Buffer.concat([u32(UINT16), Buffer.of(255, 255)])]]),
    'split-count-u32': withFields([['split.count', number(2)]]),
    'dimension-0': withTensors((tensor) => ({ ...tensor, description: described([256n, 0n], 0) })),
    'dimensions-overflow': withTensors((tensor) => ({ ...tensor, description: described([2n ** 40n, 2n ** 40n], 0) })),
    'dimension-huge': withTensors((tensor) => ({ ...tensor, description: described([2n ** 63n], 0) })),
    'dimensions-many': withTensors((tensor) => ({ ...tensor, description: Buffer.concat([u32(2 ** 31), zeros()]) })),
    'tensor-type-removed': withTensors((tensor) => ({ ...tensor, description: described([256n], 4) })),
    'tensor-type-huge': withTensors((tensor) => ({ ...tensor, description: described([256n], 2 ** 31) })),
    'tensor-block': withTensors((tensor) => ({ ...tensor, description: described([33n], 8) })),
    'tensor-beyond': withTensors((tensor) => ({ ...tensor, description: described([2n ** 30n], 0) })),
    'tensor-names-long': withTensors((tensor) => ({ ...tensor, name: 'x'.repeat(200) })),
    'tensor-names-twice': withTensors((tensor) => ({ ...tensor, name: 'output_norm.weight' })),
    'tensors-many': (tiny) => {
      const parts = readGguf(Buffer.from(tiny));
      const tensors = Array.from({ length: 60_000 }, (_, i) => {
        return { name: `t${i}`, description: described([1n], 0), data: Buffer.alloc(4) };
      });
      return writeGguf({ ...parts, tensors });
    },
  };
  const loads: Record<string, GgufBomb['make']> = {
    'heads-0': withFields([['llama.attention.head_count', number(0)]]),
    'kv-heads-0': withFields([['llama.attention.head_count_kv', number(0)]]),
    'kv-heads-3': withFields([['llama.attention.head_count_kv', number(3)]]),
    'layers-many': withFields([['llama.block_count', number(1_024)]]),
    'layers-600': withFields([['llama.block_count', number(600)]]),
    'experts-without-weights': withFields([
      ['llama.expert_count', number(4_000)],
      ['llama.expert_used_count', number(4_000)],
    ]),
    'experts-used-more': withFields([
      ['llama.expert_count', number(1)],
      ['llama.expert_used_count', number(8)],
    ]),
    'embedding-other': withFields([['llama.embedding_length', number(255)]]),
    'ff-1': withFields([['llama.feed_forward_length', number(1)]]),
    'rope-odd': withFields([['llama.rope.dimension_count', number(7)]]),
    'architecture-unknown': withFields([['general.architecture', string('something-else')]]),
    'tokenizer-unknown': withFields([['tokenizer.ggml.model', string('something-else')]]),
    'pre-tokenizer-unknown': withFields([['tokenizer.ggml.pre', string('something-else')]]),
    'tensors-none': (tiny) => writeGguf({ ...readGguf(Buffer.from(tiny)), tensors: [] }),
  };
  return [
    ...Object.entries(heads).map(([name, make]): GgufBomb => ({ name, refused: 'head', make })),
    ...Object.entries(loads).map(([name, make]): GgufBomb => ({ name, refused: 'load', make })),
  ];
}

/** Puts these fields in place of its own: each is a key, and the type with the value. */
function withFields(changed: readonly (readonly [key: string, value: Buffer])[]): GgufBomb['make'] {
  return (tiny) => {
    const { fields, fieldCount, tensors } = readGguf(Buffer.from(tiny));
    let kept = fields;
    let count = fieldCount;
    for (const [key, value] of changed) {
      // Nobody reads it by this name.
      const at = kept.indexOf(text(key));
      if (at >= 0) {
        kept = Buffer.from(kept);
        kept.write('x', at + 8);
      }
      kept = Buffer.concat([kept, field(key, value)]);
      count += 1;
    }
    return writeGguf({ fields: kept, fieldCount: count, tensors });
  };
}

/** Changes all of its tensors. */
function withTensors(change: (tensor: Tensor) => Tensor): GgufBomb['make'] {
  return (tiny) => {
    const parts = readGguf(Buffer.from(tiny));
    return writeGguf({ ...parts, tensors: parts.tensors.map(change) });
  };
}

function head(tensors: bigint, fields: bigint): Buffer {
  return Buffer.concat([Buffer.from('GGUF'), u32(3), big(tensors), big(fields)]);
}

function field(key: string, value: Buffer): Buffer {
  return Buffer.concat([text(key), value]);
}

function string(value: string): Buffer {
  return Buffer.concat([u32(STRING), text(value)]);
}

function number(value: number): Buffer {
  return Buffer.concat([u32(UINT32), u32(value)]);
}

function long(value: bigint): Buffer {
  return Buffer.concat([u32(UINT64), big(value)]);
}

/** The header of a list, which stands before its items. */
function list(type: number, length: bigint): Buffer {
  return Buffer.concat([u32(ARRAY), u32(type), big(length)]);
}

function described(dimensions: readonly bigint[], type: number): Buffer {
  return Buffer.concat([u32(dimensions.length), ...dimensions.map(big), u32(type)]);
}

function big(n: bigint): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(n);
  return buffer;
}

function zeros(): Buffer {
  return Buffer.alloc(4_096);
}

function doubling(times: number, then: string): string {
  return `{% set ns = namespace(s='xy') %}{% for a in range(${times}) %}{% set ns.s = ns.s + ns.s %}{% endfor %}${then}`;
}

/** Namespaces of which each holds the next twice, and gets it while it is still small. */
function namespaces(count: number): string {
  const names = Array.from({ length: count }, (_, i) => `n${i}`);
  const made = names.map((name) => `{% set ${name} = namespace(s=1) %}`).join('');
  const linked = names.slice(1).map((name, i) => `{% set n${i}.s = [${name}, ${name}] %}`);
  return `${made}${linked.join('')}{{ [n0] }}`;
}
