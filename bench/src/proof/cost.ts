/** What it costs to check an answer, as a share of what it costs to write it: processor time, one after the other. */
import { written } from '@llmesh/core/suites/cheats';
import { AUDIT_TERMS } from '@llmesh/signaling/audit/share/audit-terms';
import { LlamaEngine } from 'llmesh/llama/llama-engine';
import { syntheticModel } from '../synthetic-model.ts';
import { MODELS, questions, requestOf } from './answers.ts';
import { processorMs } from './processor-ms.ts';

const ANSWERS = 12;
const never = new AbortController().signal;

/** Of an answer that agrees, on average. */
export const EXPECTED_AUDITORS = 1 + AUDIT_TERMS.confirmed;

/** Reading an answer once ÷ writing it. */
export async function costOf(model: 'large-q8' | 'synthetic', tokens: number, threads: number): Promise<number> {
  const path = model === 'synthetic' ? await syntheticModel() : `${MODELS}/${model}.gguf`;
  const load = async () => {
    const engine = new LlamaEngine();
    await engine.load({ path, threads, gpu: 'off', slots: 1, contextTokens: 640 }, () => {}, never);
    return engine;
  };
  const [lender, auditor] = [await load(), await load()];
  try {
    let [writing, scoring] = [0, 0];
    for (const [i, turns] of questions()
      .slice(0, ANSWERS + 1)
      .entries()) {
      const asked = requestOf(turns, 'seed', tokens);
      const [tokenIds, wrote] = await busy(async () => (await written(lender, asked, never)).tokenIds);
      const [, read] = await busy(() => auditor.score(asked, tokenIds, never));
      // The first one warms both up.
      if (i > 0) [writing, scoring] = [writing + wrote, scoring + read];
    }
    return scoring / writing;
  } finally {
    await lender.close();
    await auditor.close();
  }
}

/** With the processor time of the only thing that this process does. */
async function busy<T>(run: () => Promise<T>): Promise<[T, number]> {
  const before = processorMs();
  const value = await run();
  return [value, processorMs() - before];
}
