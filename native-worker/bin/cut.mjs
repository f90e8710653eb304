// The thread in which files are cut into chunks: see src/models/pieces/cut-files.ts.
import { load } from './sources.mjs';

await load('models/pieces/cut-thread');
