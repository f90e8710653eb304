/** Packs the built page for the browsers that it is sent to, beside its files: the server compresses nothing by itself. */
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** Pictures and fonts are packed already. */
const PACKABLE = new Set(['.css', '.html', '.js', '.json', '.svg', '.wasm', '.webmanifest']);
/** Beyond that the best way of Brotli takes seconds. */
const LARGE_BYTES = 1_000_000;
/** Where a header would be larger than what is saved. */
const SMALL_BYTES = 500;

/** Rejects with the system's error. Two files at a time: that is what memory and processors of small machines have. */
export async function packFiles(folder) {
  const files = readdirSync(folder, { recursive: true })
    .filter((name) => PACKABLE.has(extname(name)))
    .map((name) => join(folder, name));
  const next = async () => {
    for (let file = files.pop(); file !== undefined; file = files.pop()) await packFile(file);
  };
  await Promise.all([next(), next()]);
}

async function packFile(file) {
  const bytes = await readFile(file);
  if (bytes.byteLength < SMALL_BYTES) return;
  const quality = bytes.byteLength > LARGE_BYTES ? 5 : constants.BROTLI_MAX_QUALITY;
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength };
  await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes, { params }));
  await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: bytes.byteLength > LARGE_BYTES ? 6 : 9 }));
}
