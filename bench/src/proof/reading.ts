/**
 * What reading costs at best, as a share of writing: llama.cpp's own evaluation of a prompt, without anything of ours, beside
 * one that tells how likely each token is; and by how much what it computes then differs from what it wrote.
 */
import type { ControlledEvaluateInputItem, LlamaContextSequence, Token } from 'node-llama-cpp';
import { openLlama } from 'llmesh/llama/context/llama-device';
import { processorMs } from './processor-ms.ts';

/** Tokens at once. */
const AT_ONCE = [32, 63, 64, 128, 256] as const;
const TOKENS = 256;
const USUAL = { temperature: 0.8, topP: 0.95, topK: 40 };

export interface Reading {
  atOnce: number;
  /** llama.cpp alone, as a share of writing. */
  raw: number;
  /** With what an auditor asks about each token. */
  told: number;
  /** The most that a token's log-odds differ from those when it is read alone. */
  noise: number;
}

export async function readings(path: string, threads: number, rounds: number): Promise<Reading[]> {
  const llama = await openLlama('off', threads);
  try {
    const model = await llama.loadModel({ modelPath: path, useMmap: false });
    const context = await model.createContext({ contextSize: 1024, threads, batchSize: 512 });
    const sequence = context.getSequence();
    const prompt = model.tokenize('In the beginning', true);
    const ids = [...prompt, ...(await write(sequence, prompt))];
    const alone = await tell(sequence, ids, 1);
    const costs = new Map<string, number>();
    const noise = new Map<number, number>();
    const count = async (name: string, work: () => Promise<unknown>) => {
      const startMs = processorMs();
      await work();
      costs.set(name, (costs.get(name) ?? 0) + processorMs() - startMs);
    };
    for (let round = 0; round < rounds; round += 1) {
      await count('write', () => write(sequence, prompt));
      for (const atOnce of AT_ONCE) {
        await count(`raw ${atOnce}`, () => read(sequence, ids, atOnce));
        await count(`told ${atOnce}`, async () => noise.set(atOnce, differ(alone, await tell(sequence, ids, atOnce))));
      }
    }
    const share = (name: string) => Number((costs.get(name)! / costs.get('write')!).toPrecision(3));
    return AT_ONCE.map((atOnce) => {
      return { atOnce, raw: share(`raw ${atOnce}`), told: share(`told ${atOnce}`), noise: noise.get(atOnce)! };
    });
  } finally {
    await llama.dispose();
  }
}

async function write(sequence: LlamaContextSequence, prompt: Token[]): Promise<Token[]> {
  await sequence.clearHistory();
  const ids: Token[] = [];
  for await (const id of sequence.evaluate(prompt, { ...USUAL, seed: 1, yieldEogToken: true })) {
    ids.push(id);
    if (ids.length === TOKENS) break;
  }
  return ids;
}

async function read(sequence: LlamaContextSequence, ids: Token[], atOnce: number): Promise<void> {
  await sequence.clearHistory();
  for (let at = 0; at < ids.length; at += atOnce) {
    await sequence.evaluateWithoutGeneratingNewTokens(ids.slice(at, at + atOnce));
  }
}

/** The log-odds of each next token. */
async function tell(sequence: LlamaContextSequence, ids: Token[], atOnce: number): Promise<number[]> {
  await sequence.clearHistory();
  const odds: number[] = [];
  for (let at = 0; at < ids.length - 1; at += atOnce) {
    const items = ids.slice(at, Math.min(at + atOnce, ids.length - 1)).map((id, i): ControlledEvaluateInputItem => {
      const tokens = [ids[at + i + 1]!];
      return [
        id,
        { generateNext: { token: true, probabilities: true, logits: { filter: { tokens } }, options: USUAL } },
      ];
    });
    const found = await sequence.controlledEvaluate(items);
    for (let i = 0; i < items.length; i += 1) odds.push(found[i]?.next.logits?.get(ids[at + i + 1]!) ?? NaN);
  }
  return odds;
}

/** Where sampling has cut a token off, nothing is told of it. */
function differ(some: readonly number[], others: readonly number[]): number {
  const differences = some.map((one, i) => Math.abs(one - others[i]!)).filter((one) => !Number.isNaN(one));
  return Number(Math.max(...differences).toPrecision(2));
}
