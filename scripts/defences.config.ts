/** The tests as always, with one defence taken out of its file while it is loaded: see defences.mjs. */
import config from '../vitest.config.ts';
import { DEFENCES } from './defences.mjs';

const taken = DEFENCES.find(({ attack }) => attack === process.env['LLMESH_WITHOUT']);
const without = {
  name: 'without-a-defence',
  enforce: 'pre' as const,
  transform(code: string, id: string) {
    return taken !== undefined && id.endsWith(`/${taken.file}`) ? code.replace(taken.defence, taken.without) : null;
  },
};
const { test = {}, ...rest } = config;

export default {
  ...rest,
  test: {
    ...test,
    root: new URL('..', import.meta.url).pathname,
    projects: test.projects?.map((project) =>
      typeof project === 'object' && !(project instanceof Promise) ? { ...project, plugins: [without] } : project,
    ),
  },
};
