/** What a file of conversations holds besides them: folders, saved prompts and presets. */
import * as v from 'valibot';
import { isTaskId } from '@llmesh/core/base/ids';
import { PRESETS } from '../asking/presets.ts';
import { FOLDERS } from '../folders/folders.svelte.ts';
import type { ChatTools } from '../tools/chat-tools.ts';
import { PROMPTS } from '../prompts/prompts.ts';
import { MOST_NAME } from '../../kept/named-records.svelte.ts';

const MOST_FILED = 50_000;

const Name = v.pipe(v.string(), v.minLength(1), v.maxLength(MOST_NAME));
const named = <T extends v.ObjectEntries>(most: number, entries: T) =>
  v.optional(v.fallback(v.pipe(v.array(v.object({ name: Name, ...entries })), v.maxLength(most)), []), []);

export const NamedThingsSchema = v.object({
  folders: named(FOLDERS.most, {
    talks: v.pipe(v.array(v.custom<string>(isTaskId)), v.maxLength(MOST_FILED)),
  }),
  prompts: named(PROMPTS.most, PROMPTS.schema.entries),
  presets: named(PRESETS.most, PRESETS.schema.entries),
});
export type NamedThings = v.InferOutput<typeof NamedThingsSchema>;

/** `talks`: the ids of the conversations that go along. */
export function namedThings({ folders, prompts, presets }: ChatTools, talks: readonly string[]): NamedThings {
  return {
    folders: folders.all.map(({ id, name }) => ({ name, talks: talks.filter((talk) => folders.of(talk)?.id === id) })),
    prompts: prompts.all.map(({ name, text }) => ({ name, text })),
    presets: presets.all.map(({ name, asking }) => ({ name, asking })),
  };
}

/** What is here under the same name stays as it is, and so does a conversation that lies in a folder here. Resolves with how many came. */
export async function bringInNamed(things: NamedThings, { folders, prompts, presets }: ChatTools): Promise<number> {
  let came = 0;
  for (const { name, talks } of things.folders) {
    const id = await folders.make(name);
    for (const talk of talks) if (id !== null && folders.of(talk) === null) await folders.move(talk, id);
  }
  for (const { name, text } of missing(things.prompts, prompts.all)) {
    if ((await prompts.keep(name, { text })) !== null) came += 1;
  }
  for (const { name, asking } of missing(things.presets, presets.all)) {
    if ((await presets.keep(name, { asking })) !== null) came += 1;
  }
  return came;
}

function missing<T extends { name: string }>(things: readonly T[], there: readonly { name: string }[]): readonly T[] {
  return things.filter(({ name }) => !there.some((one) => one.name === name));
}
