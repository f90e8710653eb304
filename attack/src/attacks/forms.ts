/** A JSON schema of a stranger that costs more than it may: to read, to compile, or to follow. */
import { HOSTILE_SCHEMAS } from '@llmesh/core/fuzz/hostile-schemas';
import { inWords, outcome, seconds, type Attack, type Scene } from '../attack.ts';
import { Intruder, providersOf } from '../intruder.ts';
import type { Target } from '../target.ts';

/** Time for an accepted schema: a short answer of the tiny model. A refusal takes far less. */
const PATIENCE_MS = 15_000;
const MESH = { workers: 2, gateway: true };

const RANGES = {
  'a list': { type: 'array', items: { type: 'string' }, minItems: 9, maxItems: 2 },
  'a string': { type: 'string', minLength: 9, maxLength: 2 },
};
const twice = { type: 'array', items: { $ref: '#' }, minItems: 1 };
const ambiguous = (ways: number) => ({ anyOf: Array.from({ length: ways }, () => twice) });

/** Each name refers to the next one twice: the paths through them double. */
function chain(names: number): object {
  const name = (i: number) => ({ $ref: `#/$defs/n${i}` });
  const numbers = Array.from({ length: names }, (_, i) => i);
  return {
    type: 'object',
    properties: Object.fromEntries(numbers.map((i) => [`p${i}`, name(i)])),
    required: [`p${names - 1}`],
    $defs: Object.fromEntries(
      numbers.map((i) => [`n${i}`, i === 0 ? { type: 'string' } : { anyOf: [name(i - 1), name(i - 1)] }]),
    ),
  };
}

const form = (schema: object) => ({
  max_tokens: 24,
  response_format: { type: 'json_schema', json_schema: { name: 'x', schema } },
});

async function allServe(target: Target, workers: number): Promise<[boolean, string]> {
  const serving = (await providersOf(target)).length;
  return [serving === workers, `${serving} of ${workers} providers serve`];
}

async function throughTheApi({ target }: Scene, schemas: Record<string, object>) {
  const facts: [boolean, string][] = [];
  for (const [what, schema] of Object.entries(schemas)) {
    const { status, ms } = await target.complete(form(schema), PATIENCE_MS);
    facts.push([status === 400 || status === 200, `${what}: HTTP ${status} in ${seconds(ms)}`]);
  }
  return outcome([...facts, await allServe(target, MESH.workers)]);
}

/** Sends it straight to a provider, with a lease or without one. */
async function toAProvider({ target }: Scene, schema: object, leased: boolean, text: string | null) {
  const intruder = await Intruder.join(target);
  try {
    const [provider] = await providersOf(target);
    if (provider === undefined) return outcome([[false, 'nobody lends']]);
    const channel = await intruder.dial(provider);
    const lease = leased ? await intruder.lease(provider) : null;
    const prefix = text === null ? null : { text, tokens: text.length, tokenIds: null };
    const beganMs = performance.now();
    const end = await intruder.request(
      channel,
      { schema: JSON.stringify(schema), lease, prefix, maxUnits: 4 },
      PATIENCE_MS,
    );
    const said = end === null ? 'no word' : `${inWords(end['kind'])} ${inWords(end['code'] ?? '')}`.trim();
    return outcome([
      [end !== null, `${said} in ${seconds(performance.now() - beganMs)}`],
      await allServe(target, MESH.workers),
    ]);
  } finally {
    intruder.close();
  }
}

export const forms: readonly Attack[] = [
  {
    name: 'a schema whose minimum is above its maximum',
    before: 'each provider that gets it eats 450 MB/s until its computer dies; handed on to the next',
    bound: 'refused when it is read, and again before llama.cpp',
    mesh: MESH,
    quick: true,
    run: (scene) => throughTheApi(scene, RANGES),
  },
  {
    name: 'a schema of doubling references, through /v1',
    before: 'the gateway never answers again',
    bound: 'references are read once each',
    mesh: MESH,
    quick: true,
    run: (scene) => throughTheApi(scene, { '60 names': chain(60) }),
  },
  {
    name: 'the same, to a provider, without a lease',
    before: 'one message takes a provider off the mesh for good',
    bound: 'the lease is checked before anything that costs',
    mesh: MESH,
    quick: true,
    run: (scene) => toAProvider(scene, chain(60), false, null),
  },
  {
    name: 'the same, to a provider, with a lease',
    before: 'one message takes a provider off the mesh for good',
    bound: 'references are read once each',
    mesh: MESH,
    quick: true,
    run: (scene) => toAProvider(scene, chain(60), true, null),
  },
  {
    name: 'a schema that can be followed in two ways at each step',
    before: 'hangs one provider after the other, at 100 % CPU, past SIGTERM',
    bound: 'at most 512 ways at once, counted before the engine gets it',
    mesh: MESH,
    quick: true,
    run: (scene) => throughTheApi(scene, { 'two ways': ambiguous(2), '120 ways': ambiguous(120) }),
  },
  {
    name: 'the same, begun by a prefix of 14 brackets',
    before: 'the provider stands still for 23 s, doubling with each bracket',
    bound: 'at most 512 ways at once, counted before the engine gets it',
    mesh: MESH,
    quick: true,
    run: (scene) => toAProvider(scene, ambiguous(2), true, '['.repeat(14)),
  },
  {
    name: 'every schema of the corpus',
    before: 'as above, for the one who finds the next one',
    bound: '100 ms and some MB for each schema that is taken',
    mesh: MESH,
    quick: false,
    run: async ({ target }) => {
      let slowestMs = 0;
      const unanswered: string[] = [];
      for (const { name, schema } of HOSTILE_SCHEMAS) {
        let read: unknown;
        try {
          read = JSON.parse(schema);
        } catch {
          // A request cannot carry what is not JSON.
          continue;
        }
        const { status, ms } = await target.complete(form(read as object), PATIENCE_MS);
        slowestMs = Math.max(slowestMs, ms);
        if (status !== 200 && status !== 400) unanswered.push(`${name}: HTTP ${status}`);
      }
      return outcome([
        [
          unanswered.length === 0,
          `${HOSTILE_SCHEMAS.length} schemas, the slowest in ${seconds(slowestMs)} ${unanswered.join(', ')}`.trim(),
        ],
        await allServe(target, MESH.workers),
      ]);
    },
  },
];
