import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import type { LoadedModel } from '@llmesh/core/engine/engine';
import { scoringSuite } from '@llmesh/core/suites/scoring';
import { fileVersion } from '../../files/file-version.ts';
import { loraGguf, TINY_MATRICES } from '../../testing/lora-gguf.ts';
import { LlamaEngine } from '../llama-engine.ts';

const tiny = fileURLToPath(new URL('../../../../models/tiny/', import.meta.url));
const questions: { question: string; answer: string }[] = JSON.parse(
  readFileSync(path.join(tiny, 'questions.json'), 'utf8'),
);

const folder = mkdtempSync(path.join(os.tmpdir(), 'llmesh-scoring-'));
const adapterPath = path.join(folder, 'adapter.gguf');
const adapter = '1'.repeat(64);

let engine: LlamaEngine;
let loaded: LoadedModel;
beforeAll(async () => {
  const bytes = loraGguf(TINY_MATRICES, { seed: 1, strength: 1 });
  writeFileSync(adapterPath, bytes);
  const version = await fileVersion(adapterPath);
  const lent = { sha256: adapter, name: 'No. 1', path: adapterPath, sizeBytes: bytes.byteLength, version };
  engine = new LlamaEngine();
  loaded = await engine.load(
    {
      path: path.join(tiny, 'llmesh-tiny.gguf'),
      threads: 1,
      gpu: 'off',
      slots: 2,
      contextTokens: 1024,
      adapters: { files: [lent] },
    },
    () => {},
    new AbortController().signal,
  );
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});

scoringSuite('node-llama-cpp', {
  subject: () => ({ engine, loaded }),
  questions: questions.slice(0, 5),
  noise: 0,
  adapter,
});
