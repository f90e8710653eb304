/**
 * A process that is killed: writes the pieces of a model into a store, forever anew from where it stands, and says each that is
 * kept. Arguments: the folder of the models, and the file with the bytes of the model.
 */
import { readFileSync } from 'node:fs';
import { PIECE_BYTES } from '@llmesh/core/models/manifest';
import { PieceMap } from '@llmesh/core/models/piece-map';
import { describeFiles } from '../models/pieces/adopt.ts';
import { FilePieceStore } from '../models/pieces/file-piece-store.ts';

const [folder = '', file = ''] = process.argv.slice(2);
const bytes = new Uint8Array(readFileSync(file));
const { signal } = new AbortController();
const { content, manifest, layers } = await describeFiles('gguf', [{ file, name: 'model.gguf' }], { signal });
const stored = await new FilePieceStore(folder).begin(content, manifest);
await stored.keepLayer(0, layers[0] ?? new Uint8Array());
const pieces = Array.from({ length: new PieceMap(manifest).count }, (_, piece) => piece);
const here = pieces.filter((piece) => stored.pieces.has(piece));
process.stdout.write(`${JSON.stringify({ here })}\n`);
for (const piece of pieces) {
  if (stored.pieces.has(piece)) continue;
  await stored.write(piece, bytes.slice(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES));
  process.stdout.write(`${JSON.stringify({ piece })}\n`);
}
await stored.complete();
process.stdout.write(`${JSON.stringify({ whole: true })}\n`);
setInterval(() => {}, 1_000);
