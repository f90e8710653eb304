/** For the fuzzer: everything of a transparency log that strangers write. What is accepted must be written again as it was. */
import type { FuzzTarget } from '@llmesh/core/fuzz/fuzz';
import { LogError } from '@llmesh/log/base/log-error';
import { readCheckpoint, writeCheckpoint } from '@llmesh/log/note/checkpoint';
import { readKey, writeKey } from '@llmesh/log/note/key';
import { openNote, readNote, writeNote } from '@llmesh/log/note/note';
import { readTlogProof, writeTlogProof } from '@llmesh/log/read/tlog-proof';
import * as vector from '@llmesh/log/testing/vectors';
import { readEntries, writeEntries } from '@llmesh/log/tree/entries';
import { readTilePath, tilePath } from '@llmesh/log/tree/tile';
import { readAddCheckpoint, writeAddCheckpoint } from '@llmesh/log/witness/add-checkpoint';
import { readPolicy } from '@llmesh/log/witness/policy';

const LEAVES = 3;
const POLICY = `# Two of three.
log ${vector.SUMDB_KEY} https://sum.golang.org/
witness a ${vector.WITNESS_KEY}
group g any a
quorum g
`;

export function logDecoders(): FuzzTarget[] {
  const key = readKey(vector.SPEC_KEY);
  const proof = writeTlogProof({
    ...{ extra: bytes('more'), index: 7, note: vector.SIGSUM_NOTES[5] },
    hashes: readAddCheckpoint(bytes(vector.WITNESS_REQUEST))?.proof ?? [],
  });
  return [
    text('note', [vector.SPEC_NOTE, vector.POEM, vector.COSIGNED, vector.CT_NOTE], (input) => {
      const note = readNote(input);
      if (note !== null && key !== null) openNote(note, [key], () => false);
      return note === null ? null : writeNote(note);
    }),
    text('checkpoint', [vector.COSIGNED, vector.SUMDB_NOTE, vector.MONKEYS_5].map(body), (input) => {
      const checkpoint = readCheckpoint(said(input));
      return checkpoint === null ? null : writeCheckpoint(checkpoint);
    }),
    text('verifier key', [vector.PETER, vector.WITNESS_KEY], (input) => {
      const read = readKey(said(input));
      return read === null ? null : writeKey(read);
    }),
    text('request to a witness', [vector.WITNESS_REQUEST, `old 0\n\n${vector.SUMDB_NOTE}`], (input) => {
      const request = readAddCheckpoint(input);
      return request === null ? null : writeAddCheckpoint(request);
    }),
    text('offline proof', [proof], (input) => {
      const read = readTlogProof(input);
      return read === null ? null : writeTlogProof(read);
    }),
    text('path of a tile', ['tile/0/x001/x234/067', 'tile/entries/000.p/17'], (input) => {
      const tile = readTilePath(said(input));
      return tile === null ? null : tilePath(tile);
    }),
    {
      name: 'policy of a log',
      weight: 1,
      seeds: [bytes(POLICY), bytes('quorum none\n')],
      run: (input) => {
        try {
          readPolicy(input);
          return true;
        } catch (error) {
          if (error instanceof LogError) return false;
          throw error;
        }
      },
    },
    {
      name: 'bundle of entries',
      weight: 1,
      seeds: [writeEntries(['', 'one', 'two'.repeat(100)].map(bytes))],
      run: (input) => {
        const leaves = readEntries(input, LEAVES);
        if (leaves !== null && !isSame(writeEntries(leaves), input)) throw new Error('It is written in another way.');
        return leaves !== null;
      },
    },
  ];
}

/** `again`: what was read, as it is written; null: it was refused. */
function text(name: string, seeds: readonly string[], again: (input: Uint8Array) => string | null): FuzzTarget {
  return {
    ...{ name, weight: 1, seeds: seeds.map(bytes) },
    run: (input) => {
      const written = again(input);
      if (written !== null && written !== said(input)) throw new Error('It is written in another way.');
      return written !== null;
    },
  };
}

function bytes(written: string): Uint8Array {
  return new TextEncoder().encode(written);
}

/** Bytes that are no UTF-8 become characters that stand for nothing. */
function said(input: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(input);
}

/** The text of a note. */
function body(note: string): string {
  return note.slice(0, note.lastIndexOf('\n\n') + 1);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
