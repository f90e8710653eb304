// What each file makes of verses that it has not learned from: node models/proof/perplexity.mjs
import { readFileSync } from 'node:fs';
import { getLlama } from 'node-llama-cpp';

const FILES = ['large-q8', 'large-q4', 'large-q2', 'small-q8'];
const chats = JSON.parse(readFileSync(new URL('questions.json', import.meta.url), 'utf8'));
const llama = await getLlama({ build: 'never', gpu: false, maxThreads: 1 });
for (const file of FILES) {
  const model = await llama.loadModel({ modelPath: new URL(`${file}.gguf`, import.meta.url).pathname });
  const context = await model.createContext({ threads: 1, contextSize: 512, batchSize: 32 });
  const sequence = context.getSequence();
  let [surprise, count] = [0, 0];
  for (const turns of chats) {
    await sequence.clearHistory();
    const tokens = model.tokenize(turns.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`).join(''), true);
    const asked = tokens.slice(0, 256).map((token, i) => {
      const wanted = { totalLogitWeight: true, logits: { filter: { tokens: [tokens[i + 1]], includeSelected: true } }, options: { temperature: 0 }, token: true };
      return i + 1 < Math.min(tokens.length, 256) ? [token, { generateNext: wanted }] : token;
    });
    const found = await sequence.controlledEvaluate(asked);
    for (const [i, one] of found.entries()) {
      if (one === undefined) continue;
      const { token, logits, totalLogitWeight } = one.next;
      surprise -= logits.get(tokens[i + 1]) - logits.get(token) - Math.log(totalLogitWeight);
      count += 1;
    }
  }
  process.stdout.write(`${file}: ${(surprise / count).toFixed(3)} nats a token, perplexity ${Math.exp(surprise / count).toFixed(1)}, of ${count} tokens\n`);
  await model.dispose();
}
await llama.dispose();
