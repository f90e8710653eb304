/** `llmesh models`: what the catalogue offers to a computer like this one. */
import os from 'node:os';
import type { GgufModel } from '@llmesh/core/catalogue';
import { modelsFolder, readCatalogue } from './catalogue-file.ts';
import { megabytes, type Output } from './output.ts';

export async function listModels(output: Output): Promise<void> {
  const { models } = await readCatalogue(modelsFolder());
  const files = models.filter((model): model is GgufModel => model.format === 'gguf');
  const memoryBytes = memory();
  const rows = files.map((model) => ({ model, fits: model.memoryBytes <= memoryBytes }));
  const width = Math.max(...files.map((model) => model.id.length));
  const lines = rows.map(
    ({ model, fits }) =>
      `${fits ? '✓' : '✗'} ${model.id.padEnd(width)}  ${megabytes(model.sizeBytes).padStart(7)} file  ${megabytes(model.memoryBytes).padStart(7)} memory  ${model.summary}`,
  );
  output.print(
    [
      `This computer has ${megabytes(memoryBytes)} of memory. ✓ fits, ✗ does not.`,
      ...lines,
      'Lend one: llmesh worker --model <id>',
    ].join('\n'),
    { memoryBytes, models: rows.map(({ model, fits }) => ({ ...model, fits })) },
  );
}

/** Of the computer, or what its container may use. */
function memory(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, os.totalmem()) : os.totalmem();
}
