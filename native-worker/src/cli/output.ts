/**
 * What a command says: sentences for a person, or with --json one object a line on stdout for a program. With a log,
 * the sentences go there. Strangers wrote much of it: nothing that a terminal would obey reaches one.
 */
import { once } from 'node:events';
import type { LoadProgress } from '@llmesh/core/engine/engine';
import type { MeshError } from '@llmesh/core/base/errors';
import type { Logger } from 'pino';
import { writeTo } from './standard-stream.ts';
import { oneLine, terminalJson, terminalText } from './terminal-text.ts';

export class Output {
  readonly json: boolean;
  readonly #log: Logger | null;
  #live = false;
  #screenLines = 0;

  constructor(json: boolean, log: Logger | null = null) {
    this.json = json;
    this.#log = log;
  }

  /** Whether a person watches, so that lines may replace each other. */
  get watched(): boolean {
    return !this.json && this.#log === null && process.stderr.isTTY;
  }

  /** Results, on stdout. */
  print(sentence: string, data: object): void {
    if (this.json) this.#write(process.stdout, terminalJson(JSON.stringify(data)));
    else if (this.#log !== null) this.#log.info({ details: data }, terminalText(sentence));
    else this.#write(process.stdout, terminalText(sentence));
  }

  /** A part of a result as it comes, on stdout, no faster than its reader. Rejects when `signal` aborts. */
  async stream(part: string, signal: AbortSignal): Promise<void> {
    this.#clear();
    if (!process.stdout.write(part)) await once(process.stdout, 'drain', { signal });
  }

  /** What is going on, on stderr; nothing with --json. */
  note(sentence: string): void {
    if (this.#log !== null) this.#log.info(terminalText(sentence));
    else if (!this.json) this.#write(process.stderr, terminalText(sentence));
  }

  /** A line that the next one replaces; only where a person watches. */
  live(sentence: string): void {
    if (!this.watched) return;
    writeTo(process.stderr, `\r\u001b[2K${oneLine(sentence)}`);
    this.#live = true;
  }

  /** A line for the log alone. */
  detail(what: string, data: object): void {
    this.#log?.debug({ details: data }, what);
  }

  /** Lines on stdout that the next ones replace where a person watches; elsewhere they follow each other. */
  screen(lines: readonly string[]): void {
    const text = lines.map(oneLine).join('\n');
    if (!process.stdout.isTTY) {
      writeTo(process.stdout, `${text}\n\n`);
      return;
    }
    const up = this.#screenLines === 0 ? '' : `\u001b[${this.#screenLines}A`;
    // Clear everything below: earlier lines may have wrapped.
    writeTo(process.stdout, `${up}\r\u001b[J${text}\n`);
    this.#screenLines = lines.length;
  }

  error(error: MeshError): void {
    const { code } = error;
    const message = terminalText(error.message);
    this.#log?.error({ code }, message);
    if (this.json) this.#write(process.stdout, terminalJson(JSON.stringify({ error: { code, message } })));
    else if (this.#log === null) this.#write(process.stderr, message);
  }

  #write(stream: NodeJS.WriteStream, line: string): void {
    this.#clear();
    writeTo(stream, `${line}\n`);
  }

  #clear(): void {
    if (this.#live) writeTo(process.stderr, '\r\u001b[2K');
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
