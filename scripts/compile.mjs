// The control plane and the llmesh command as JavaScript, for whoever starts them often.
import { compilePrograms } from './programs.mjs';

await compilePrograms();
