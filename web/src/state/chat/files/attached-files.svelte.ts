/** The files in the box of each conversation, until they go out with a question: a record a file, in all tabs of this browser. */
import * as v from 'valibot';
import { newTaskId } from '@llmesh/core/base/ids';
import { SvelteMap } from 'svelte/reactivity';
import type { Entry, Store } from '../../store.ts';
import { textSize } from '../context/text-size.ts';
import { FileRefused, fileLabel, textOfFile, tooLarge, type FileTextNeeds } from './file-text.ts';
import {
  ATTACHED,
  attachedKey,
  MOST_FILES,
  MOST_FILES_BYTES,
  QuestionFileSchema,
  type QuestionFile,
} from './question-file.ts';

/** What was attached to a conversation that never began is forgotten after a day. */
const FORGOTTEN_MS = 86_400_000;

const AttachedSchema = v.object({ version: v.literal(1), at: v.number(), ...QuestionFileSchema.entries });
type Attached = v.InferOutput<typeof AttachedSchema>;

export interface AttachedFilesNeeds extends FileTextNeeds {
  store: Store;
  /** Milliseconds since 1970. */
  now: () => number;
  /** Whether there is a conversation of this id. */
  isKept: (talk: string) => boolean;
  /** A file that could not be kept is still in the box. */
  failed: (error: unknown) => void;
}

/** A file that is being read. */
export interface FileAtWork {
  id: string;
  name: string;
}

export class AttachedFiles {
  readonly #needs: AttachedFilesNeeds;
  readonly #files = new SvelteMap<string, readonly Attached[]>();
  readonly #atWork = new SvelteMap<string, readonly FileAtWork[]>();
  readonly #stops = new Map<string, AbortController>();
  readonly #problems = new SvelteMap<string, string>();

  constructor(needs: AttachedFilesNeeds) {
    this.#needs = needs;
    needs.store.follow(ATTACHED, (entries, whole) => this.#take(entries, whole));
  }

  /** Rejects when the store does. */
  async restore(): Promise<void> {
    const { store, now, isKept } = this.#needs;
    const entries = await store.list(ATTACHED);
    const isLeft = ([key, value]: Entry) => {
      const { talk } = placeIn(key);
      return !isKept(talk) && now() - (attachedFrom(value)?.at ?? 0) > FORGOTTEN_MS;
    };
    const left = entries.filter(isLeft).map(([key]) => key);
    if (left.length > 0) await store.delete(left);
    this.#take(
      entries.filter(([key]) => !left.includes(key)),
      true,
    );
  }

  of(talk: string): readonly QuestionFile[] {
    return this.#files.get(talk) ?? [];
  }

  /** Those that are being read. */
  atWorkIn(talk: string): readonly FileAtWork[] {
    return this.#atWork.get(talk) ?? [];
  }

  /** Why a file was not taken, for the person. */
  problemOf(talk: string): string | null {
    return this.#problems.get(talk) ?? null;
  }

  /** Reads these files and attaches them, one after the other. Never rejects. */
  async add(talk: string, files: readonly File[]): Promise<void> {
    this.#problems.delete(talk);
    const room = MOST_FILES - this.of(talk).length - this.atWorkIn(talk).length;
    if (files.length > room) this.#refuse(talk, `Up to ${MOST_FILES} files go with one question.`);
    const taken = files
      .slice(0, Math.max(0, room))
      .map((file) => ({ id: newTaskId(), name: fileLabel(file.name), file }));
    this.#atWork.set(talk, [...this.atWorkIn(talk), ...taken.map(({ id, name }) => ({ id, name }))]);
    for (const { id } of taken) this.#stops.set(id, new AbortController());
    for (const one of taken) await this.#read(talk, one);
  }

  /** Takes one out, or stops reading it. */
  remove(talk: string, id: string): void {
    this.#problems.delete(talk);
    this.#end(talk, id);
    this.#files.set(
      talk,
      this.#ofTalk(talk).filter((one) => one.id !== id),
    );
    this.#needs.store.delete([attachedKey(talk, id)]).catch(this.#needs.failed);
  }

  /** They go out with a question: their records go in the same change in which the question is kept. */
  take(talk: string): readonly QuestionFile[] {
    const files = this.#ofTalk(talk).map(({ id, name, text }) => ({ id, name, text }));
    this.#files.delete(talk);
    this.#problems.delete(talk);
    return files;
  }

  /** The question of these was taken back. */
  putBack(talk: string, files: readonly QuestionFile[]): void {
    for (const file of files) this.#attach(talk, file);
  }

  async #read(talk: string, { id, name, file }: FileAtWork & { file: File }): Promise<void> {
    const { signal } = this.#stops.get(id)!;
    try {
      signal.throwIfAborted();
      const text = await textOfFile(file, this.#needs, signal);
      const bytes = [...this.of(talk).map((one) => one.text), text].reduce((sum, one) => sum + textSize(one).bytes, 0);
      if (bytes > MOST_FILES_BYTES) throw new FileRefused(tooLarge(name));
      this.#attach(talk, { id, name, text });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof FileRefused)) this.#needs.failed(error);
      this.#refuse(talk, error instanceof FileRefused ? error.message : `${name} could not be read. Try again.`);
    } finally {
      this.#end(talk, id);
    }
  }

  #attach(talk: string, { id, name, text }: QuestionFile): void {
    const record: Attached = { version: 1, at: this.#needs.now(), id, name, text };
    this.#files.set(talk, [...this.#ofTalk(talk), record]);
    this.#needs.store.set([[attachedKey(talk, id), record]]).catch(this.#needs.failed);
  }

  #refuse(talk: string, why: string): void {
    const before = this.problemOf(talk);
    this.#problems.set(talk, before === null ? why : `${before} ${why}`);
  }

  #end(talk: string, id: string): void {
    this.#stops.get(id)?.abort();
    this.#stops.delete(id);
    this.#atWork.set(
      talk,
      this.atWorkIn(talk).filter((one) => one.id !== id),
    );
  }

  #ofTalk(talk: string): readonly Attached[] {
    return this.#files.get(talk) ?? [];
  }

  #take(entries: readonly Entry[], whole: boolean): void {
    if (whole) this.#files.clear();
    for (const [key, value] of entries) {
      const { talk, id } = placeIn(key);
      const others = this.#ofTalk(talk).filter((one) => one.id !== id);
      const there = attachedFrom(value);
      this.#files.set(talk, there === null ? others : [...others, there].toSorted((a, b) => a.at - b.at));
    }
  }
}

function attachedFrom(value: unknown): Attached | null {
  const read = v.safeParse(AttachedSchema, value);
  return read.success ? read.output : null;
}

function placeIn(key: string): { talk: string; id: string } {
  const [talk = '', id = ''] = key.slice(ATTACHED.length).split('/');
  return { talk, id };
}
