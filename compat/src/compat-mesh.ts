/** A mesh that clients are tried against: control plane, worker and gateway, each a process of its own as people run them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { inTime } from './in-time.ts';
import { TEMPLATES } from '@llmesh/core/testing/chat-templates';
import { readGguf, withText, writeGguf } from 'llmesh/testing/gguf-parts';
import { startControlPlane, startLlmesh, type Running } from 'llmesh/testing/process';

const TINY = path.join(import.meta.dirname, '../../models/tiny');
/** The template of a family whose models think first: the prompt itself begins the thoughts. */
const THINKING = `${TEMPLATES.qwen}{% if add_generation_prompt %}{{ '<think>\\n' }}{% endif %}`;
const READY_MS = 30_000;
const STATUS_MS = 10_000;

export interface Question {
  question: string;
  answer: string;
}

export class CompatMesh {
  readonly model = 'llmesh-tiny';
  /** The tiny model, which was taught to think no more than any other, under a template that makes it. */
  readonly thinker = 'thinker';
  /** A question whose answer the tiny model knows by heart, and one whose answer is long. */
  readonly short: Question;
  readonly long: Question;
  /** With `/v1`. */
  url = '';
  /** The address of the mesh itself, for programs that join it. */
  meshUrl = '';
  key = '';
  readonly #data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-compat-'));
  readonly #started: Running[] = [];
  #worker: Running | null = null;

  constructor() {
    const questions = JSON.parse(readFileSync(path.join(TINY, 'questions.json'), 'utf8')) as Question[];
    const byLength = questions.toSorted((a, b) => a.answer.length - b.answer.length);
    [this.short, this.long] = [byLength[10]!, byLength.at(-1)!];
  }

  /** Rejects when a program does not start. */
  async open(): Promise<void> {
    const made = this.#start('key', 'compat');
    const [plane] = await Promise.all([startControlPlane(), made.exited]);
    this.#started.push(plane.process);
    this.meshUrl = plane.url;
    this.key = String(made.lines[0]?.['key']);
    const lend = ['--threads', '1', '--gpu', 'off', '--max-speed', '100'];
    const thinker = path.join(this.#data, `${this.thinker}.gguf`);
    const tiny = readGguf(readFileSync(path.join(TINY, 'llmesh-tiny.gguf')));
    writeFileSync(thinker, writeGguf(withText(tiny, 'tokenizer.chat_template', THINKING)));
    this.#worker = this.#start('worker', '--model', this.model, '--model', thinker, '--mesh', plane.url, ...lend);
    const gateway = this.#start('gateway', '--mesh', plane.url, '--port', '0');
    const ready = (line: Record<string, unknown>) => line['ready'] === true;
    const [{ url }] = await Promise.all([gateway.line(ready), this.#worker.line(ready)]);
    this.url = String(url);
    await this.#offered();
  }

  /** The origin of the gateway, for clients that add `/v1` themselves. */
  get origin(): string {
    return new URL(this.url).origin;
  }

  /**
   * Runs `ask`, which breaks off an answer, and rejects unless the worker begins it and stops before its end. `begun` resolves when
   * the worker writes it.
   */
  async breaksOff(ask: (begun: Promise<unknown>) => Promise<void>): Promise<void> {
    const { lines } = this.#running;
    // A client has its answer a moment before the worker says that it is done, which would count as the end of this one.
    await inTime(this.#idle(), STATUS_MS);
    const [from, before] = [lines.length, answersIn(lines)];
    const begun = inTime(this.#status(1, from), STATUS_MS);
    await Promise.all([ask(begun), begun]);
    const at = lines.findIndex((line, index) => index >= from && statusOf(line)?.busySlots === 1);
    await inTime(this.#status(0, at), STATUS_MS);
    if (answersIn(lines) !== before) throw new Error('The worker wrote the answer to its end.');
  }

  get #running(): Running {
    if (this.#worker === null) throw new Error('The mesh is not open.');
    return this.#worker;
  }

  #status(busySlots: number, from: number): Promise<unknown> {
    return this.#running.line((line) => statusOf(line)?.busySlots === busySlots, from);
  }

  /** Resolves once the last thing that the worker said is that it writes nothing. */
  async #idle(): Promise<void> {
    const { lines } = this.#running;
    for (;;) {
      if ((lines.map(statusOf).findLast(Boolean)?.busySlots ?? 0) === 0) return;
      await this.#status(0, lines.length);
    }
  }

  async close(): Promise<void> {
    for (const running of this.#started) running.kill('SIGTERM');
    await Promise.all(this.#started.map((running) => running.exited));
    rmSync(this.#data, { recursive: true });
  }

  #start(...args: string[]): Running {
    const running = startLlmesh(...args, '--data', this.#data, '--json');
    this.#started.push(running);
    return running;
  }

  /** The gateway hears of what is lent a moment after it is there. */
  async #offered(): Promise<void> {
    const headers = { authorization: `Bearer ${this.key}` };
    const untilMs = performance.now() + READY_MS;
    while (performance.now() < untilMs) {
      const { data } = (await (await fetch(`${this.url}/models`, { headers })).json()) as { data?: unknown[] };
      if (data?.length === 2) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('The models are not on offer.');
  }
}

interface Status {
  busySlots: number;
  /** How many answers it wrote to their ends. */
  answers: number;
}

function statusOf(line: Record<string, unknown>): Status | undefined {
  return line['status'] as Status | undefined;
}

function answersIn(lines: readonly Record<string, unknown>[]): number {
  return Math.max(0, ...lines.map((line) => statusOf(line)?.answers ?? 0));
}
