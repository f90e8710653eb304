import { expect, it } from 'vitest';
import { ggufFileName, ggufUrl, mirrored, mlcFolder } from './model-url.ts';
import { parseMirror } from '../../state/device/engine-settings.ts';
import type { ModelId } from '@llmesh/core/base/ids';

const ORIGIN = 'http://localhost:7070';

it('finds a GGUF on the mesh itself, on Hugging Face and on a mirror', () => {
  expect(ggufUrl('/models/tiny/a.gguf', 'https://m.example', ORIGIN)).toBe(`${ORIGIN}/models/tiny/a.gguf`);
  expect(ggufUrl('hf:Qwen/Q-GGUF/q.gguf', null, ORIGIN)).toBe('https://huggingface.co/Qwen/Q-GGUF/resolve/main/q.gguf');
  expect(ggufUrl('hf:Qwen/Q-GGUF/q.gguf', 'http://localhost:9/x', ORIGIN)).toBe(
    'http://localhost:9/x/Qwen/Q-GGUF/resolve/main/q.gguf',
  );
  expect(ggufUrl('https://files.example/q.gguf', 'https://m.example', ORIGIN)).toBe('https://files.example/q.gguf');
  expect(() => ggufUrl('ftp://nowhere', null, ORIGIN)).toThrow(expect.objectContaining({ code: 'model_not_found' }));
});

it('puts the mirror before the paths of the two hosts it stands in for, and of no other', () => {
  expect(mirrored('https://raw.githubusercontent.com/a/b.wasm', 'https://m.example')).toBe(
    'https://m.example/a/b.wasm',
  );
  expect(mirrored('https://elsewhere.example/a', 'https://m.example')).toBe('https://elsewhere.example/a');
});

it('resolves an MLC folder as web-llm does', () => {
  expect(mlcFolder('https://h/u/m')).toBe('https://h/u/m/resolve/main/');
  expect(mlcFolder('https://h/u/m/resolve/dev')).toBe('https://h/u/m/resolve/dev/');
});

it('names a file by its hash, so that a new one does not pass for the old', () => {
  const id = 'tiny' as ModelId;
  expect(ggufFileName({ id, sha256: 'a'.repeat(64) })).not.toBe(ggufFileName({ id, sha256: 'b'.repeat(64) }));
});

it('takes a mirror as people type it, and nothing that is none', () => {
  expect(parseMirror(' http://localhost:9000/ ')).toBe('http://localhost:9000');
  expect(parseMirror('https://m.example/hf/')).toBe('https://m.example/hf');
  for (const text of ['', 'localhost', 'javascript:alert(1)', 'https://u:p@m.example', 'https://m.example/?a=b']) {
    expect(parseMirror(text)).toBeNull();
  }
});
