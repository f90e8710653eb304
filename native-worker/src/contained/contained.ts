/** The helper processes of this one. They start when they are needed. */
import { ContainedProcess } from './contained-process.ts';

export const contained = {
  templates: new ContainedProcess('templates'),
  schemas: new ContainedProcess('schemas'),
  llama: new ContainedProcess('llama'),
};
