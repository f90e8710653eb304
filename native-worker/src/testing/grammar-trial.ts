/**
 * Gives grammars to the real llama.cpp, for tests: a program of its own, which they can end and whose memory they can bound.
 * Says that it is ready, then reads one JSON line for each and answers with one.
 */
import { createInterface } from 'node:readline';
import { getLlama } from 'node-llama-cpp';

export interface Trial {
  grammar: string;
  text: string;
}

export interface TrialResult {
  /** The processor time of this process, so that a busy machine makes no difference. */
  compileCpuMs: number;
  readCpuMs: number;
  grownBytes: number;
  /** Whether the text follows the grammar. */
  follows: boolean;
}

interface NativeGrammar {
  isTextCompatible(text: string): boolean;
}
type NativeGrammarClass = new (grammar: string, options: object) => NativeGrammar;

const llama = await getLlama({ gpu: false, build: 'never' });
const bindings = (llama as unknown as { _bindings: { AddonGrammar: NativeGrammarClass } })._bindings;

function cpuMs(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

process.stdout.write('ready\n');
for await (const line of createInterface(process.stdin)) {
  const { grammar, text } = JSON.parse(line) as Trial;
  const before = process.memoryUsage().rss;
  const begun = process.cpuUsage();
  const native = new bindings.AddonGrammar(grammar, { addonExports: bindings, rootRuleName: 'root' });
  const compileCpuMs = cpuMs(begun);
  const compiled = process.cpuUsage();
  const follows = native.isTextCompatible(text);
  const result: TrialResult = {
    compileCpuMs,
    readCpuMs: cpuMs(compiled),
    follows,
    grownBytes: process.memoryUsage().rss - before,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
process.exit(0);
