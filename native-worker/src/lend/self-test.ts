/** Tests whether a model works here, and how fast it is, before it is offered to anyone. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { realClock } from '@llmesh/core/base/clock';
import type { Adapter, Backend } from '@llmesh/core/wire/model-advert';
import type { Engine } from '@llmesh/core/engine/engine';
import { asMeshError, cancelled, MeshError } from '@llmesh/core/base/errors';
import type { ModelId } from '@llmesh/core/base/ids';
import { recordedOf, RecordedAnswersSchema } from '@llmesh/core/engine/recorded-answers';
import { selfTest, type Expected, type KnownAnswer } from '@llmesh/core/engine/self-test';
import { modelsFolder, readCatalogue } from '../models/catalogue-file.ts';

/** The model that comes with LLMesh, and what it must answer, word for word. */
const TINY_MODEL = 'llmesh-tiny';
const GOOD_LENGTH = 150;
/** A graphics card adds in another order, which may tip a near-tie; broken kernels do not get this far. */
const GPU_CHARACTERS = 60;

/** Its answers only have to be words. */
const ANYTHING: Expected = { instructed: false, recorded: [] };

const QuestionsSchema = v.array(v.object({ question: v.string(), answer: v.string() }));

/** Resolves with tokens a second; null when the answer was too short to tell. Rejects with self_test_failed, cancelled, … */
export async function testModel(
  engine: Pick<Engine<never>, 'generate'>,
  { id, backend }: { id: ModelId; backend: Backend },
  signal: AbortSignal,
): Promise<number | null> {
  const expected = id === TINY_MODEL ? await knownAnswer(backend) : await expectedOf(id);
  try {
    return await selfTest(engine, expected ?? ANYTHING, { clock: realClock }, signal);
  } catch (thrown) {
    if (signal.aborted) throw cancelled();
    const error = asMeshError(thrown, 'self_test_failed', 'The model failed its self-test.');
    if (error.code !== 'self_test_failed') throw error;
    throw new MeshError(
      'self_test_failed',
      'The model wrote nothing, or nonsense, in its self-test. Is it made for chat? Try --gpu off, or another model.',
      { cause: thrown },
    );
  }
}

/** Loads each adapter once and lets it write a word. Rejects with a `MeshError` that names the adapter, or cancelled. */
export async function testAdapters(
  engine: Pick<Engine<never>, 'generate'>,
  adapters: readonly Adapter[],
  signal: AbortSignal,
): Promise<void> {
  for (const { sha256, name } of adapters) {
    try {
      const turns = [{ role: 'user' as const, content: 'Hello' }];
      const answer = engine.generate({ turns, sampling: { temperature: 0 }, maxTokens: 1, adapter: sha256 }, signal);
      for await (const _piece of answer);
    } catch (thrown) {
      if (signal.aborted) throw cancelled();
      const { code, message } = asMeshError(thrown, 'self_test_failed', 'It failed its self-test.');
      throw new MeshError(code, `The adapter ${name} cannot be lent. ${message} Leave it out.`, { cause: thrown });
    }
  }
}

/** A model of the catalogue is made for chat; a person's own file may be made for anything. */
async function expectedOf(id: ModelId): Promise<Expected> {
  const folder = modelsFolder();
  const { models } = await readCatalogue(folder);
  if (!models.some((model) => model.id === id)) return ANYTHING;
  const recorded = v.parse(
    RecordedAnswersSchema,
    JSON.parse(await readFile(path.join(folder, 'known-answers.json'), 'utf8')),
  );
  return { instructed: true, recorded: recordedOf(recorded, id) };
}

/** null: this installation has no such model. */
async function knownAnswer(backend: Backend): Promise<KnownAnswer | null> {
  const file = path.join(modelsFolder(), 'tiny', 'questions.json');
  if (!existsSync(file)) return null;
  const questions = v.parse(QuestionsSchema, JSON.parse(await readFile(file, 'utf8')));
  const known = questions.find(({ answer }) => answer.length >= GOOD_LENGTH);
  if (known === undefined) return null;
  return backend === 'cpu' ? known : { ...known, characters: GPU_CHARACTERS };
}
