/** The files that go with a question: their text is kept with the turn, and sent before the question itself. */
import * as v from 'valibot';
import { isLabel } from '@llmesh/core/base/label';

/** Of one question. */
export const MOST_FILES = 10;
/** Of all files of one question, as UTF-8: the mesh carries half a megabyte with each question, earlier messages included. */
export const MOST_FILES_BYTES = 400_000;
/** Of its name, in UTF-16 units. */
export const MOST_FILE_NAME = 120;

export const QuestionFileSchema = v.object({
  id: v.pipe(v.string(), v.maxLength(64)),
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(MOST_FILE_NAME), v.check(isLabel)),
  text: v.pipe(v.string(), v.maxLength(MOST_FILES_BYTES)),
});
export const QuestionFilesSchema = v.pipe(v.array(QuestionFileSchema), v.minLength(1), v.maxLength(MOST_FILES));
export type QuestionFile = v.InferOutput<typeof QuestionFileSchema>;

/** What was attached in the box of each conversation and is not sent yet lies below this key, a record a file. */
export const ATTACHED = 'attached/';
export const attachedOf = (talk: string) => `${ATTACHED}${talk}/`;
export const attachedKey = (talk: string, id: string) => attachedOf(talk) + id;

/** The question as a model reads it: each file between fences that nothing in it can close, and then the words. */
export function promptOf({ files = [], text }: { files?: readonly QuestionFile[] | undefined; text: string }): string {
  return [...files.map(fencedFile), text].join('\n\n');
}

/** A file as Markdown, with its name above it. */
export function fencedFile({ name, text }: Pick<QuestionFile, 'name' | 'text'>): string {
  const runs = text.match(/`{3,}/g) ?? [];
  const fence = '`'.repeat(runs.reduce((longest, run) => Math.max(longest, run.length), 2) + 1);
  const language = /\.([a-z0-9]{1,10})$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  // A model reads it, in whatever language the page is.
  return /* @wc-ignore */ `File ${name}:\n${fence}${language}\n${text.replace(/\n$/, '')}\n${fence}`;
}
