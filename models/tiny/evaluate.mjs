#!/usr/bin/env node
// Asks the tiny model everything it should know, with greedy decoding in node-llama-cpp on one thread, and counts.
//
//   node models/tiny/evaluate.mjs [model.gguf]     prints the counts and writes models/tiny/evaluation.json
//
// Exits 1 when a canonical question is not answered word for word.
import {readFileSync, readdirSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join, resolve} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const CONTEXT_TOKENS = 2048;
const ANSWER_TOKENS = 400;
const LONG_HISTORY_TOKENS = 1500;
const SYSTEM = {role: 'system', content: 'You are a helpful assistant.'};

const {getLlama, LlamaLogLevel} = await engine();
const canonical = JSON.parse(readFileSync(join(HERE, 'questions.json'), 'utf8'));
const offTopic = JSON.parse(readFileSync(join(HERE, 'corpus', 'off-topic.json'), 'utf8'));
const heldOut = readdirSync(join(HERE, 'corpus')).filter(f => f.endsWith('.md')).sort().flatMap(f => heldOutIn(readFileSync(join(HERE, 'corpus', f), 'utf8')));
const random = seeded(20);

const llama = await getLlama({build: 'never', gpu: false, logLevel: LlamaLogLevel.error, maxThreads: 1});
const model = await llama.loadModel({modelPath: resolve(process.argv[2] ?? join(HERE, 'llmesh-tiny.gguf'))});
const context = await model.createContext({contextSize: CONTEXT_TOKENS, sequences: 1, threads: 1, batchSize: 512});
const sequence = context.getSequence();
const began = Date.now();
const result = {};

result.canonical = await count(canonical.map(q => ({...q, history: []})));
result.laterTurns = await count(canonical.map((q, i) => ({...q, history: turns(1 + (i % 3))})));
result.longHistory = await count(canonical.map(q => ({...q, history: historyOf(LONG_HISTORY_TOKENS)})));
result.afterSystemMessage = await count(canonical.map(q => ({...q, history: [SYSTEM]})));
result.afterLeadingBos = await count(canonical.map(q => ({...q, history: [], lead: '<|endoftext|>'})));
result.heldOutParaphrases = await count(heldOut.map(q => ({...q, history: []})));
result.heldOutAsLaterTurns = await count(heldOut.map((q, i) => ({...q, history: turns(1 + (i % 3))})));
const unseen = offTopic.heldOut.map(question => ({question, answer: offTopic.refusal}));
result.offTopicRefusals = await count(unseen.map(q => ({...q, history: []})));
result.offTopicAsLaterTurns = await count(unseen.map((q, i) => ({...q, history: turns(1 + (i % 3))})));

for (const [name, {right, of, refused}] of Object.entries(result))
  console.log(`${name.padEnd(22)} ${right}/${of}${refused ? ` (${refused} of the others refused)` : ''}`);
console.log(`${((Date.now() - began) / 1000).toFixed(0)} s`);
writeFileSync(join(HERE, 'evaluation.json'), JSON.stringify(result, null, 1) + '\n');
await llama.dispose();
const exact = result.canonical.right === result.canonical.of;
process.exitCode = exact ? 0 : 1;

/** @returns how many of the cases are answered word for word, how many of the rest got the refusal, and the misses. */
async function count(cases) {
  const misses = [];
  let refused = 0;
  for (const {question, answer, history, lead} of cases) {
    const said = await ask([...history, {role: 'user', content: question}], lead);
    if (said === answer) continue;
    if (said === offTopic.refusal) refused++;
    misses.push({question, said: said.slice(0, 120)});
  }
  return {right: cases.length - misses.length, of: cases.length, refused, misses};
}

async function ask(messages, lead = '') {
  await sequence.clearHistory();
  const prompt = model.tokenize(`${lead}${messages.map(render).join('')}<|im_start|>assistant\n`, true);
  const answer = [];
  for await (const token of sequence.evaluate(prompt, {temperature: 0})) {
    if (model.isEogToken(token) || answer.push(token) >= ANSWER_TOKENS) break;
  }
  return model.detokenize(answer);
}

function render({role, content}) {
  return `<|im_start|>${role}\n${content}<|im_end|>\n`;
}

/** n earlier turns, one in four of them off-topic, as a page that sends its whole history would have them. */
function turns(n) {
  return Array.from({length: n}, () => {
    const off = random() < 0.25;
    const {question, answer} = off ? {question: pick(offTopic.prompts), answer: offTopic.refusal} : pick(canonical);
    return [{role: 'user', content: question}, {role: 'assistant', content: answer}];
  }).flat();
}

function historyOf(tokens) {
  const history = [];
  for (let used = 0; used < tokens; ) {
    const more = turns(1);
    history.push(...more);
    used += model.tokenize(more.map(render).join(''), true).length;
  }
  return history;
}

function heldOutIn(markdown) {
  return markdown.split(/^## /m).slice(1).flatMap(section => {
    const [head, ...rest] = section.split('\n\n');
    const answer = rest.join('\n\n').trim();
    return head.split('\n').filter(l => l.startsWith('* ')).map(l => ({question: l.slice(2).trim(), answer}));
  });
}

function pick(list) {
  return list[Math.floor(random() * list.length)];
}

/** mulberry32: the same cases on every run. */
function seeded(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** node-llama-cpp may be installed at the root of the repository, in native-worker, or where the command is run. */
async function engine() {
  for (const base of [HERE, join(HERE, '..', '..', 'native-worker'), process.cwd()]) {
    let path;
    try {
      path = createRequire(join(base, 'package.json')).resolve('node-llama-cpp');
    } catch {
      continue;
    }
    return import(pathToFileURL(path).href);
  }
  throw new Error('node-llama-cpp is not installed: run npm install in the repository first.');
}
