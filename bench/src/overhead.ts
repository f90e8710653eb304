/** What the mesh costs: the same file and prompts, raw and through worker process, WebRTC and client, in turns. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelId } from '@llmesh/core/base/ids';
import type { Mesh } from '@llmesh/core/mesh';
import type { Turn } from '@llmesh/core/protocol';
import { readGgufFileInfo } from 'node-llama-cpp';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { openMeshNode, releaseMeshNodes } from 'llmesh/node/mesh-node';
import { freePort, startProgram, type Running } from '@llmesh/e2e/processes';
import { openRawEngine, type Run } from './raw-engine.ts';
import { show, spread } from './statistics.ts';
import { syntheticModel } from './synthetic-model.ts';
import { renderChat } from '@llmesh/core/engine/chat-prompt';
import { CHATML_TEMPLATE } from '@llmesh/core/engine/chat-template';

const TINY = join(import.meta.dirname, '../../models/tiny');

export interface OverheadOptions {
  model: string;
  rounds: number;
  tokens: number;
  threads: number;
}

export async function overhead(options: OverheadOptions) {
  const tiny = join(TINY, 'llmesh-tiny.gguf');
  const path = options.model === 'tiny' ? tiny : options.model === 'synthetic' ? await syntheticModel() : options.model;
  const prompts = questions(options.rounds + 1);
  const template = (await readGgufFileInfo(path)).metadata.tokenizer.chat_template ?? CHATML_TEMPLATE;
  const port = await freePort();
  const url = new URL(`http://127.0.0.1:${port}`);
  const programs: Running[] = [];
  const raw = await openRawEngine(path, options.threads);
  // It does not use the identity of the person who runs this.
  const data = await mkdtemp(join(tmpdir(), 'llmesh-bench-'));
  let node: OpenPeer | null = null;
  try {
    programs.push(await startProgram('signaling/src/main.ts', ['--port', String(port)]));
    const threads = String(options.threads);
    const worker = await startProgram('native-worker/src/main.ts', [
      ...['worker', '--json', '--gpu', 'off', '--slots', '1', '--threads', threads],
      ...['--model', path, '--mesh', url.href, '--data', data],
    ]);
    programs.push(worker);
    node = await openMeshNode(url);
    const model = await onlyModel(node.mesh);
    const runs: { raw: Run; mesh: Run }[] = [];
    for (const [i, prompt] of prompts.entries()) {
      const turns: Turn[] = [{ role: 'user', content: prompt }];
      const rendered = renderChat(template, turns, { bos: '', eos: '' });
      const first = i % 2 === 0;
      const before = first ? await raw.run(rendered, options.tokens) : null;
      const mesh = await throughMesh(node.mesh, model, turns, options.tokens);
      const rawRun = before ?? (await raw.run(rendered, options.tokens));
      if (rawRun.tokens !== mesh.tokens) throw new Error(`raw wrote ${rawRun.tokens} tokens, the mesh ${mesh.tokens}`);
      // The first pair warms the link and both engines up.
      if (i > 0 && rawRun.tokens > 8) runs.push({ raw: rawRun, mesh });
    }
    const ratio = spread(runs.map(({ raw: a, mesh: b }) => b.tokensPerSecond / a.tokensPerSecond));
    const added = spread(runs.map(({ raw: a, mesh: b }) => b.firstTokenMs - a.firstTokenMs));
    const rawSpeed = spread(runs.map((run) => run.raw.tokensPerSecond));
    const meshSpeed = spread(runs.map((run) => run.mesh.tokensPerSecond));
    const rawFirst = spread(runs.map((run) => run.raw.firstTokenMs));
    const meshFirst = spread(runs.map((run) => run.mesh.firstTokenMs));
    process.stdout.write(
      [
        `${options.model}, ${runs.length} pairs, ${options.tokens} tokens at most, ${options.threads} thread(s): median (quartiles, range)`,
        `tok/s raw             ${show(rawSpeed)}`,
        `tok/s through mesh    ${show(meshSpeed)}`,
        `  ratio               ${show(ratio)}`,
        `first token raw, ms   ${show(rawFirst)}`,
        `first token mesh, ms  ${show(meshFirst)}`,
        `  added, ms           ${show(added)}`,
        '',
      ].join('\n'),
    );
    return {
      bench: 'overhead',
      model: options.model,
      pairs: runs.length,
      tokensPerSecondRatio: ratio.median,
      addedFirstTokenMs: added.median,
      spread: { ratio, added, rawSpeed, meshSpeed, rawFirst, meshFirst },
    };
  } finally {
    await node?.close();
    releaseMeshNodes();
    for (const program of programs.toReversed()) await program.stop();
    await raw.close();
    await rm(data, { recursive: true });
  }
}

async function throughMesh(mesh: Mesh, model: ModelId, turns: Turn[], maxTokens: number): Promise<Run> {
  const startMs = performance.now();
  let firstMs: number | null = null;
  let pieces = 0;
  let tokens = 0;
  let firstTokens = 0;
  let endMs = startMs;
  const request = { model, turns, sampling: { temperature: 0 }, maxTokens, only: null };
  for await (const event of mesh.ask(request, new AbortController().signal)) {
    if (event.type === 'piece') {
      endMs = performance.now();
      pieces += event.tokens;
      if (firstMs === null) {
        firstMs = endMs;
        firstTokens = event.tokens;
      }
    }
    // Noise may end in half a character, whose token is counted but not shown.
    if (event.type === 'done') tokens = event.summary.completionTokens;
  }
  if (firstMs === null) throw new Error('the mesh gave no answer');
  return {
    tokens,
    firstTokenMs: firstMs - startMs,
    tokensPerSecond: ((pieces - firstTokens) * 1000) / (endMs - firstMs),
  };
}

/** Resolves when the worker's one model is offered. */
async function onlyModel(mesh: Mesh): Promise<ModelId> {
  for (let tries = 0; tries < 200; tries++) {
    const model = mesh.control.offers?.models[0];
    if (model !== undefined) return model.id;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the worker offered nothing');
}

/** Different questions, so that no engine has seen the prompt before. */
function questions(count: number): string[] {
  const all = JSON.parse(readFileSync(join(TINY, 'questions.json'), 'utf8')) as { question: string; answer: string }[];
  const long = all.toSorted((a, b) => b.answer.length - a.answer.length);
  return Array.from({ length: count }, (_, i) => long[i % long.length]?.question ?? '');
}
