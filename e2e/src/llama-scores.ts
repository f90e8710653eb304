/** llama.cpp's own scores of every word, of a model's exact numbers and with keys and values in 32 bits: the reference for other engines. */
import { getLlama, LlamaLogLevel, type Llama, type LlamaContextSequence, type LlamaModel } from 'node-llama-cpp';

export interface LlamaScores {
  tokens(text: string): number[];
  /** Of the word that follows. */
  after(text: string): Promise<number[]>;
  close(): Promise<void>;
}

export async function openLlamaScores(path: string): Promise<LlamaScores> {
  const llama: Llama = await getLlama({ build: 'never', gpu: false, logLevel: LlamaLogLevel.error, maxThreads: 1 });
  const model: LlamaModel = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({
    contextSize: 2048,
    threads: 1,
    flashAttention: false,
    experimentalKvCacheKeyType: 'F32',
    experimentalKvCacheValueType: 'F32',
  });
  const sequence: LlamaContextSequence = context.getSequence();
  const tokens = (text: string) => model.tokenize(text, true);
  return {
    tokens,
    async after(text) {
      const ids = tokens(text);
      const last = ids.pop();
      if (last === undefined) throw new Error('There is nothing to go on from.');
      await sequence.clearHistory();
      if (ids.length > 0) await sequence.evaluateWithoutGeneratingNewTokens(ids);
      const asked = { generateNext: { logits: true, options: { temperature: 0 } } } as const;
      const [told] = await sequence.controlledEvaluate([[last, asked]]);
      const logits = told?.next.logits ?? new Map<number, number>();
      return Array.from({ length: logits.size }, (_, id) => logits.get(id as never) ?? Number.NaN);
    },
    close: () => llama.dispose(),
  };
}
