/** node-llama-cpp as its own documentation uses it: the peer that the mesh is measured against. */
import { getLlama, type LlamaContextSequence, type LlamaModel } from 'node-llama-cpp';

export interface Run {
  tokens: number;
  firstTokenMs: number;
  /** The speed after the first token. */
  tokensPerSecond: number;
}

export interface RawEngine {
  run(prompt: string, maxTokens: number): Promise<Run>;
  close(): Promise<void>;
}

export async function openRawEngine(path: string, threads: number): Promise<RawEngine> {
  const llama = await getLlama({ build: 'never', gpu: false, maxThreads: threads });
  const model = await llama.loadModel({ modelPath: path, useMmap: false });
  const context = await model.createContext({ threads, contextSize: Math.min(8192, model.trainContextSize) });
  const sequence = context.getSequence();
  return {
    run: (prompt, maxTokens) => run(model, sequence, prompt, maxTokens),
    close: () => llama.dispose(),
  };
}

async function run(model: LlamaModel, sequence: LlamaContextSequence, prompt: string, maxTokens: number): Promise<Run> {
  await sequence.clearHistory();
  const startMs = performance.now();
  let firstMs = 0;
  let tokens = 0;
  const written = [];
  for await (const token of sequence.evaluate(model.tokenize(prompt, true), { temperature: 0 })) {
    written.push(token);
    // A user of the raw engine wants text too.
    model.detokenize([token]);
    tokens += 1;
    if (tokens === 1) firstMs = performance.now();
    if (tokens === maxTokens) break;
  }
  const endMs = performance.now();
  return { tokens, firstTokenMs: firstMs - startMs, tokensPerSecond: ((tokens - 1) * 1000) / (endMs - firstMs) };
}
