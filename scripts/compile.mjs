// Compiles the control plane and the llmesh command to JavaScript, for those who start them often.
import { compilePrograms } from './programs.mjs';

await compilePrograms();
