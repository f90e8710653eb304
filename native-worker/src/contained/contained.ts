/** This process's two helpers. They start when they are needed. */
import { ContainedProcess } from './contained-process.ts';

export const contained = {
  templates: new ContainedProcess('templates'),
  llama: new ContainedProcess('llama'),
};
