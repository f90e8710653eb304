/** The files of a job, in memory: what it was given, what it wrote, and how much that is. */
import { Directory, File, OpenFile, PreopenDirectory, type Fd, type Inode } from '@bjorn3/browser_wasi_shim';
import { MAX_JOB_FILES, fileName, type JobFile } from './job.ts';
import * as v from 'valibot';

const MAX_ENTRIES = 2_048;
/** Beside what it was given and what it may give, for what it writes in between. */
const SPARE_BYTES = 4_194_304;

export class JobFolder {
  readonly root: PreopenDirectory;
  readonly #given = new Map<string, Uint8Array>();
  readonly #mostBytes: number;
  /** Never less than what there is; counted anew when it reaches the limit. */
  #bytes = 0;
  #entries = 0;

  /** `written`: what the job had written where it is resumed. */
  constructor(given: readonly JobFile[], written: readonly JobFile[], outputBytes: number) {
    this.root = new PreopenDirectory('/', new Map());
    for (const { name, bytes } of given) {
      this.#given.set(name, bytes);
      put(this.root.dir, name, bytes);
    }
    for (const { name, bytes } of written) put(this.root.dir, name, bytes);
    this.#recount([]);
    this.#mostBytes = this.#bytes + 2 * outputBytes + SPARE_BYTES;
  }

  /** Whether so many more bytes may be written; `open`: files may be open that have no name any more. */
  takesBytes(more: number, open: readonly (Fd | undefined)[]): boolean {
    if (this.#bytes + more > this.#mostBytes) this.#recount(open);
    if (this.#bytes + more > this.#mostBytes) return false;
    this.#bytes += more;
    return true;
  }

  takesEntry(open: readonly (Fd | undefined)[]): boolean {
    if (this.#entries >= MAX_ENTRIES) this.#recount(open);
    if (this.#entries >= MAX_ENTRIES) return false;
    this.#entries += 1;
    return true;
  }

  find(name: string): File | null {
    let entry: Inode | undefined = this.root.dir;
    for (const part of name.split('/')) entry = entry instanceof Directory ? entry.contents.get(part) : undefined;
    return entry instanceof File ? entry : null;
  }

  /** What is new, or other than it was given, by name. Null: more than `mostBytes`, or names that cannot travel. */
  written(mostBytes: number): JobFile[] | null {
    const files: JobFile[] = [];
    let left = mostBytes;
    for (const [name, file] of filesOf(this.root.dir, '')) {
      const given = this.#given.get(name);
      if (given !== undefined && sameBytes(given, file.data)) continue;
      left -= file.data.byteLength;
      if (left < 0 || files.length >= MAX_JOB_FILES || !v.is(fileName, name)) return null;
      files.push({ name, bytes: new Uint8Array(file.data) });
    }
    return files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  #recount(open: readonly (Fd | undefined)[]): void {
    const files = new Set<File>();
    let entries = 0;
    const count = (directory: Directory) => {
      for (const entry of directory.contents.values()) {
        entries += 1;
        if (entry instanceof Directory) count(entry);
        else if (entry instanceof File) files.add(entry);
      }
    };
    count(this.root.dir);
    for (const one of open) if (one instanceof OpenFile) files.add(one.file);
    this.#entries = entries;
    this.#bytes = [...files].reduce((sum, { data }) => sum + data.byteLength, 0);
  }
}

function put(root: Directory, name: string, bytes: Uint8Array): void {
  const parts = name.split('/');
  const last = parts.pop() ?? name;
  let directory = root;
  for (const part of parts) {
    const next = directory.contents.get(part);
    const inner = next instanceof Directory ? next : new Directory(new Map());
    directory.contents.set(part, inner);
    directory = inner;
  }
  directory.contents.set(last, new File(bytes));
}

function* filesOf(directory: Directory, path: string): Generator<[string, File]> {
  for (const [name, entry] of directory.contents) {
    if (entry instanceof Directory) yield* filesOf(entry, `${path}${name}/`);
    else if (entry instanceof File) yield [`${path}${name}`, entry];
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, at) => byte === b[at]);
}
