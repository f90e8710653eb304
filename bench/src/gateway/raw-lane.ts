/** node-llama-cpp with nothing of ours around it, except for the batching where that is asked for. */
import { getLlama, readGgufFileInfo, type LlamaContextSequence } from 'node-llama-cpp';
import { gatherSequences, indexAsPriority } from 'llmesh/llama/context/batching';
import type { Lane } from './lane.ts';
import { renderChat } from '@llmesh/core/engine/chat-prompt';
import { CHATML_TEMPLATE } from '@llmesh/core/engine/chat-template';

export interface RawLaneOptions {
  path: string;
  threads: number;
  streams: number;
  contextTokens: number;
}

/**
 * Two lanes over one copy of the weights: as the library's documentation has it, and with the batching that keeps
 * several answers in one batch, which is the fastest way that we know.
 */
export async function openRawLanes(options: RawLaneOptions): Promise<{ raw: Lane; asDocumented: Lane }> {
  const { path, threads, streams: sequences, contextTokens: contextSize } = options;
  const llama = await getLlama({ build: 'never', gpu: false, maxThreads: threads });
  const model = await llama.loadModel({ modelPath: path, useMmap: false });
  const template = (await readGgufFileInfo(path)).metadata.tokenizer.chat_template ?? CHATML_TEMPLATE;
  let active = 0;
  const lane = async (name: string, gathered: boolean): Promise<Lane> => {
    const context = await model.createContext({
      threads,
      contextSize,
      sequences,
      ...(gathered && { batching: gatherSequences(() => active) }),
    });
    const free = Array.from({ length: sequences }, (_, place) => ({ sequence: context.getSequence(), place }));
    return {
      name,
      pid: process.pid,
      async ask(turns, maxTokens) {
        const one = free.shift();
        if (one === undefined) throw new Error('more questions at once than sequences');
        active += 1;
        try {
          const prompt = renderChat(template, turns, { bos: '', eos: '' });
          return await write(one.sequence, prompt, maxTokens, one.place);
        } finally {
          active -= 1;
          free.push(one);
          free.sort((a, b) => a.place - b.place);
        }
      },
      close: () => context.dispose(),
    };
  };
  const raw = await lane('raw', true);
  const asDocumented = await lane('raw, as documented', false);
  return { raw: { ...raw, close: () => llama.dispose() }, asDocumented };
}

async function write(sequence: LlamaContextSequence, prompt: string, maxTokens: number, place: number) {
  const { model } = sequence;
  await sequence.clearHistory();
  let tokens = 0;
  let firstMs = 0;
  const options = { temperature: 0, evaluationPriority: indexAsPriority(place) };
  for await (const token of sequence.evaluate(model.tokenize(prompt, true), options)) {
    // A user of the raw engine wants text too.
    model.detokenize([token]);
    tokens += 1;
    if (tokens === 1) firstMs = performance.now();
    if (tokens === maxTokens) break;
  }
  return { tokens, firstMs, endMs: performance.now() };
}
