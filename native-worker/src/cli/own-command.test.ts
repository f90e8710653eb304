import { expect, it } from 'vitest';
import { ownCommand } from './own-command.ts';

it('is by its name where it is installed, and through npm, which may fetch nothing, in a copy of the repository', () => {
  expect(ownCommand('file:///home/a/project/node_modules/llmesh/dist/cli/own-command.js')).toBe('llmesh');
  expect(ownCommand('file:///home/a/llmesh/native-worker/src/cli/own-command.ts')).toBe('npx --no-install llmesh');
});
