/**
 * What a command says: sentences for a person, or with --json one object a line on stdout for a program. With a log, what
 * is for a person goes there.
 */
import { once } from 'node:events';
import type { LoadProgress } from '@llmesh/core/engine';
import type { MeshError } from '@llmesh/core/errors';
import type { Logger } from 'pino';

export class Output {
  readonly json: boolean;
  readonly #log: Logger | null;
  #live = false;
  #screenLines = 0;

  constructor(json: boolean, log: Logger | null = null) {
    this.json = json;
    this.#log = log;
  }

  /** Whether a person watches lines that replace each other. */
  get watched(): boolean {
    return !this.json && this.#log === null && process.stderr.isTTY;
  }

  /** Results, on stdout. */
  print(sentence: string, data: object): void {
    if (this.json) this.#write(process.stdout, JSON.stringify(data));
    else if (this.#log !== null) this.#log.info({ details: data }, sentence);
    else this.#write(process.stdout, sentence);
  }

  /** A part of a result as it comes, on stdout, no faster than it is read there. Rejects when `signal` aborts. */
  async stream(part: string, signal: AbortSignal): Promise<void> {
    this.#clear();
    if (!process.stdout.write(part)) await once(process.stdout, 'drain', { signal });
  }

  /** What is going on, on stderr; nothing with --json. */
  note(sentence: string): void {
    if (this.#log !== null) this.#log.info(sentence);
    else if (!this.json) this.#write(process.stderr, sentence);
  }

  /** A line that the next one replaces; only where a person watches. */
  live(sentence: string): void {
    if (!this.watched) return;
    process.stderr.write(`\r\u001b[2K${sentence}`);
    this.#live = true;
  }

  /** For the log alone. */
  detail(what: string, data: object): void {
    this.#log?.debug({ details: data }, what);
  }

  /** Lines on stdout that the next ones replace where a person watches; elsewhere they follow each other. */
  screen(lines: readonly string[]): void {
    if (!process.stdout.isTTY) {
      process.stdout.write(`${lines.join('\n')}\n\n`);
      return;
    }
    const up = this.#screenLines === 0 ? '' : `\u001b[${this.#screenLines}A`;
    // Below what is painted now nothing of the time before may stay: it may have wrapped.
    process.stdout.write(`${up}\r\u001b[J${lines.join('\n')}\n`);
    this.#screenLines = lines.length;
  }

  error(error: MeshError): void {
    this.#log?.error({ code: error.code }, error.message);
    if (this.json) this.#write(process.stdout, JSON.stringify({ error: { code: error.code, message: error.message } }));
    else if (this.#log === null) this.#write(process.stderr, error.message);
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
