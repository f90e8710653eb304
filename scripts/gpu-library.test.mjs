import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { hashIn, hashOfSources, LIBRARY } from './gpu-library.mjs';

it('was built from the sources beside it', () => {
  expect(hashIn(readFileSync(LIBRARY)), 'Run node scripts/gpu-library.mjs').toBe(hashOfSources());
});

it('wants no more of its host than web-llm 0.2.86 offers', () => {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(LIBRARY)));
  expect(imports.map(({ name }) => name).sort()).toEqual(['TVMFFIWasmFunctionDeleter', 'TVMFFIWasmSafeCall']);
});
