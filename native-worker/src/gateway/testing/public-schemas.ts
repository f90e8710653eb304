/** For tests: parameters and schemas with the keywords that public servers and generators of schemas write, in small. */

interface PublicFunction {
  name: string;
  parameters: object;
  /** Arguments that follow them. */
  call: unknown;
}

const DRAFT_7 = { $schema: 'http://json-schema.org/draft-07/schema#' };
const DRAFT_2020 = { $schema: 'https://json-schema.org/draft/2020-12/schema' };
const text = { type: 'string', description: 'Words.' };
const object = (properties: object, required: string[] = [], more: object = {}) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
  ...more,
});

/** Servers of the Model Context Protocol. */
export const SERVERS: Record<string, PublicFunction[]> = {
  everything: [
    { name: 'echo', parameters: object({ message: text }, ['message'], DRAFT_7), call: { message: 'Hi' } },
    {
      name: 'sampleLLM',
      parameters: object({ prompt: text, maxTokens: { type: 'number', default: 100 } }, ['prompt'], DRAFT_7),
      call: { prompt: 'Hi', maxTokens: 5 },
    },
    {
      name: 'getResourceReference',
      parameters: object({ resourceId: { type: 'number', minimum: 1, maximum: 100 } }, ['resourceId'], DRAFT_7),
      call: { resourceId: 7 },
    },
    {
      name: 'getResourceLinks',
      parameters: object({ count: { type: 'integer', minimum: 1, maximum: 10, default: 3 } }, [], DRAFT_7),
      call: { count: 10 },
    },
    {
      name: 'printEnv',
      parameters: { ...DRAFT_7, type: 'object', properties: {}, additionalProperties: false },
      call: {},
    },
  ],
  'sequential-thinking': [
    {
      name: 'sequentialthinking',
      parameters: object(
        {
          thought: text,
          nextThoughtNeeded: { type: 'boolean' },
          thoughtNumber: { type: 'integer', minimum: 1 },
          totalThoughts: { type: 'integer', minimum: 1 },
          revisesThought: { type: 'integer', exclusiveMinimum: 0, maximum: 9_007_199_254_740_991 },
        },
        ['thought', 'nextThoughtNeeded', 'thoughtNumber', 'totalThoughts'],
      ),
      call: { thought: 'x', nextThoughtNeeded: true, thoughtNumber: 1, totalThoughts: 3, revisesThought: 1 },
    },
  ],
  github: [
    {
      name: 'list_issues',
      parameters: {
        type: 'object',
        properties: {
          owner: text,
          perPage: { type: 'number', minimum: 1, maximum: 100 },
          since: { type: 'string', format: 'date-time' },
          labels: { type: 'array', items: { type: 'string' } },
          state: { enum: ['open', 'closed', 'all'], type: 'string' },
        },
        required: ['owner'],
      },
      call: { owner: 'x', perPage: 30, since: '2024-01-01T00:00:00Z', labels: ['bug'], state: 'all' },
    },
    {
      name: 'create_review',
      parameters: object({
        comments: {
          type: 'array',
          items: {
            anyOf: [
              object({ path: text, position: { type: 'number' }, body: text }, ['path', 'position', 'body']),
              object({ path: text, line: { type: 'number' }, body: text }, ['path', 'line', 'body']),
            ],
          },
        },
      }),
      call: { comments: [{ path: 'a', line: 3, body: 'b' }] },
    },
  ],
  playwright: [
    {
      name: 'browser_resize',
      parameters: object({ width: { type: 'number' }, height: { type: 'number' } }, ['width', 'height'], DRAFT_2020),
      call: { width: 800, height: 600.5 },
    },
    {
      name: 'browser_fill',
      parameters: object(
        {
          fields: {
            type: 'array',
            minItems: 1,
            items: object({ name: text, type: { enum: ['textbox', 'slider'] } }, ['name']),
          },
        },
        ['fields'],
        DRAFT_2020,
      ),
      call: { fields: [{ name: 'a', type: 'slider' }] },
    },
    {
      name: 'browser_network',
      parameters: object(
        { headers: { type: 'object', propertyNames: { type: 'string' }, additionalProperties: { type: 'string' } } },
        ['headers'],
        DRAFT_2020,
      ),
      call: { headers: { accept: 'text/html' } },
    },
  ],
  firecrawl: [
    {
      name: 'scrape',
      parameters: {
        ...DRAFT_7,
        type: 'object',
        properties: {
          url: { type: 'string', format: 'uri' },
          formats: {
            type: 'array',
            items: {
              anyOf: [
                { type: 'string', enum: ['markdown', 'html'] },
                {
                  type: 'object',
                  properties: { type: { const: 'json' }, schema: { type: 'object', additionalProperties: true } },
                  required: ['type'],
                },
              ],
            },
          },
          parsers: {
            type: 'array',
            items: {
              anyOf: [
                { enum: ['pdf'] },
                { type: 'object', properties: { maxPages: { type: 'integer', minimum: 1, maximum: 10_000 } } },
              ],
            },
          },
          timeout: { type: 'integer', exclusiveMinimum: 0, 'x-unit': 'ms' },
          metadata: { type: 'object', patternProperties: { '^x-': { type: 'string' } } },
        },
        required: ['url'],
        additionalProperties: false,
      },
      call: {
        url: 'https://example.org/a',
        formats: ['html', { type: 'json', schema: { a: 1 } }],
        parsers: ['pdf', { maxPages: 3 }],
        timeout: 9,
        metadata: { 'x-a': 'b' },
      },
    },
  ],
  'filesystem, memory and context7': [
    {
      name: 'edit_file',
      parameters: object(
        {
          path: text,
          edits: { type: 'array', items: object({ oldText: text, newText: text }, ['oldText', 'newText']) },
          dryRun: { type: 'boolean', default: false },
        },
        ['path', 'edits'],
      ),
      call: { path: '/a', edits: [{ oldText: 'a', newText: 'b' }] },
    },
    {
      name: 'read_file',
      parameters: object({ path: text, head: { type: 'number', 'x-order': 2 } }, ['path']),
      call: { path: '/a', head: 3 },
    },
  ],
};

interface PublicSchema {
  schema: object;
  right: unknown[];
  wrong: unknown[];
}

/** What libraries make of types that people declare. */
export const SCHEMAS: Record<string, PublicSchema> = {
  'zod 4: checks of numbers and texts': {
    schema: object(
      {
        age: { type: 'integer', minimum: 0, maximum: 9_007_199_254_740_991 },
        mail: {
          type: 'string',
          format: 'email',
          pattern:
            "^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_'+\\-\\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\\-]*\\.)+[A-Za-z]{2,}$",
        },
      },
      ['age', 'mail'],
      DRAFT_2020,
    ),
    right: [{ age: 3, mail: 'a.b@example.org' }],
    wrong: [
      { age: -1, mail: 'a@example.org' },
      { age: 1, mail: 'a..b@example.org' },
      { age: 1.5, mail: 'a@example.org' },
    ],
  },
  'zod 4: records and tuples': {
    schema: object(
      {
        scores: {
          type: 'object',
          propertyNames: { enum: ['a', 'b'] },
          additionalProperties: { type: 'number' },
          required: ['a', 'b'],
        },
        pair: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false, minItems: 2 },
      },
      ['scores', 'pair'],
      DRAFT_2020,
    ),
    right: [{ scores: { a: 1, b: 2 }, pair: ['x', 1] }],
    wrong: [
      { scores: { a: 1 }, pair: ['x', 1] },
      { scores: { a: 1, b: 2 }, pair: [1, 'x'] },
    ],
  },
  'zod 3: a union by a kind': {
    schema: {
      ...DRAFT_7,
      anyOf: [
        object({ kind: { type: 'string', const: 'circle' }, r: { type: 'number', exclusiveMinimum: 0 } }, [
          'kind',
          'r',
        ]),
        object({ kind: { type: 'string', const: 'square' }, a: { type: 'number' } }, ['kind', 'a']),
      ],
    },
    right: [{ kind: 'circle', r: 0.5 }],
    wrong: [
      { kind: 'circle', r: 0 },
      { kind: 'square', r: 1 },
    ],
  },
  'pydantic 2: models that refer to each other': {
    schema: {
      $defs: {
        Node: {
          properties: {
            name: { maxLength: 40, minLength: 1, title: 'Name', type: 'string' },
            parent: { anyOf: [{ $ref: '#/$defs/Node' }, { type: 'null' }], default: null },
          },
          required: ['name'],
          title: 'Node',
          type: 'object',
        },
      },
      properties: { root: { $ref: '#/$defs/Node', description: 'The first.' }, at: { format: 'date', type: 'string' } },
      required: ['root', 'at'],
      title: 'Tree',
      type: 'object',
    },
    right: [{ root: { name: 'a', parent: { name: 'b', parent: null } }, at: '2024-02-29' }],
    wrong: [
      { root: { name: '' }, at: '2024-02-29' },
      { root: { name: 'a' }, at: '2023-02-29' },
    ],
  },
  'pydantic 1: allOf around a reference': {
    schema: {
      title: 'Order',
      type: 'object',
      properties: {
        unit: { default: 'kg', allOf: [{ $ref: '#/definitions/Unit' }] },
        count: { exclusiveMinimum: 0, type: 'integer' },
      },
      required: ['unit', 'count'],
      definitions: { Unit: { title: 'Unit', enum: ['kg', 'g'], type: 'string' } },
    },
    right: [{ unit: 'g', count: 1 }],
    wrong: [
      { unit: 'lb', count: 1 },
      { unit: 'g', count: 0 },
    ],
  },
  'OpenAPI 3.0: nullable, discriminator, paths with escapes': {
    schema: {
      allOf: [
        { $ref: '#/components/schemas/Base~1One' },
        {
          type: 'object',
          properties: {
            note: { type: 'string', nullable: true },
            size: { type: 'number', minimum: 0, exclusiveMinimum: true },
          },
          required: ['note', 'size'],
        },
      ],
      discriminator: { propertyName: 'id' },
      components: {
        schemas: {
          'Base/One': { type: 'object', properties: { id: { type: 'string', format: 'uuid' } }, required: ['id'] },
        },
      },
    },
    right: [{ id: '550e8400-e29b-41d4-a716-446655440000', note: null, size: 0.1 }],
    wrong: [
      { id: 'x', note: null, size: 1 },
      { id: '550e8400-e29b-41d4-a716-446655440000', note: 'x', size: 0 },
    ],
  },
  'what is only checked in the end': {
    schema: {
      type: 'array',
      uniqueItems: true,
      items: { type: 'integer', multipleOf: 5 },
      if: { minItems: 3 },
      else: { minItems: 2 },
    },
    right: [[5, 10]],
    wrong: [[5, 5], [6], [5]],
  },
};
