/** What a command says: sentences for a person, or with --json one object a line on stdout for a program. */
import { once } from 'node:events';
import type { LoadProgress } from '@llmesh/core/engine';
import type { MeshError } from '@llmesh/core/errors';

export class Output {
  readonly json: boolean;
  #live = false;

  constructor(json: boolean) {
    this.json = json;
  }

  /** Whether a person watches lines that replace each other. */
  get watched(): boolean {
    return !this.json && process.stderr.isTTY;
  }

  /** Results, on stdout. */
  print(sentence: string, data: object): void {
    if (this.json) this.#write(process.stdout, JSON.stringify(data));
    else this.#write(process.stdout, sentence);
  }

  /** A part of a result as it comes, on stdout, no faster than it is read there. Rejects when `signal` aborts. */
  async stream(part: string, signal: AbortSignal): Promise<void> {
    this.#clear();
    if (!process.stdout.write(part)) await once(process.stdout, 'drain', { signal });
  }

  /** What is going on, on stderr; nothing with --json. */
  note(sentence: string): void {
    if (!this.json) this.#write(process.stderr, sentence);
  }

  /** A line that the next one replaces; only where a person watches. */
  live(sentence: string): void {
    if (!this.watched) return;
    process.stderr.write(`\r\u001b[2K${sentence}`);
    this.#live = true;
  }

  error(error: MeshError): void {
    if (this.json) this.#write(process.stdout, JSON.stringify({ error: { code: error.code, message: error.message } }));
    else this.#write(process.stderr, error.message);
  }

  #write(stream: NodeJS.WriteStream, line: string): void {
    this.#clear();
    stream.write(`${line}\n`);
  }

  #clear(): void {
    if (this.#live) process.stderr.write('\r\u001b[2K');
    this.#live = false;
  }
}

export function megabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

export function progressLine({ phase, loadedBytes, totalBytes }: LoadProgress): string {
  const verb = phase === 'download' ? 'Downloading' : 'Loading';
  if (totalBytes === null) return `${verb} ${megabytes(loadedBytes)}`;
  const share = Math.min(1, loadedBytes / totalBytes);
  const bar = '█'.repeat(Math.round(share * 24)).padEnd(24, '░');
  return `${verb} ${bar} ${Math.floor(share * 100)} %  ${megabytes(loadedBytes)} of ${megabytes(totalBytes)}`;
}
