/** What peers say to each other about the pieces of models: a part of the data messages in `../protocol.ts`. */
import * as v from 'valibot';
import { bytes, count, sha256 } from './fields.ts';

/** The most pieces, files and bytes of a model's manifest; see `models/manifest.ts`. */
export const MAX_MODEL_PIECES = 1_048_576;
export const MAX_MODEL_FILES = 1_024;
export const MAX_MODEL_MANIFEST_BYTES = 262_144;
/** The most that one CHUNKS carries, and that all of them together do: the lists of the largest models. */
export const MAX_CHUNKS_BYTES = 262_144;
export const MAX_CHUNK_LIST_BYTES = 4_294_967_296;
/** The most pieces that one GAINED names. */
export const MAX_PIECES_NAMED = 1_024;
/** The most pieces that one peer fetches from a server at a time: a claim that keeps others from doing so. */
export const MAX_PIECES_FETCHED = 4;
/** The most that one WANT asks for, and that may be asked of one peer at a time. */
export const MAX_WANTS = 16;
/** Numbers of wants are 32 bits wide in a block. */
const blockId = v.pipe(count, v.maxValue(0xffff_ffff));
const blockIds = v.pipe(v.array(blockId), v.minLength(1), v.maxLength(2 * MAX_WANTS));

/** A model, by its content id. */
const content = sha256;
const pieceNumber = v.pipe(count, v.maxValue(MAX_MODEL_PIECES - 1));
const pieceNumbers = v.pipe(v.array(pieceNumber), v.minLength(1), v.maxLength(MAX_PIECES_NAMED));

/**
 * What came after the first peers that carry models, which end a link over a message that they do not know: `names` is WANT_NAME and
 * NAME, `chunks` is WANT_CHUNKS and CHUNKS. Older peers skip the field, and are sent none of these.
 */
export const LATER_MESSAGES = ['names', 'chunks'] as const;
export type LaterMessages = (typeof LATER_MESSAGES)[number];
/** The sender knows these; of words that we do not know nothing follows. Left out: none. */
const knows = v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(16))), v.maxLength(16)));

/** What do you have of this model? Answered by HAVE, and from then on by GAINED and FETCHING until the link closes. */
export const SeekSchema = v.object({ kind: v.literal('SEEK'), content, knows });

/**
 * The sender lends these pieces of it. `bits`: one for each piece (`models/piece-set.ts`); none: it lends nothing of it, be it
 * that it has nothing; null: it has everything.
 */
export const HaveSchema = v.object({
  kind: v.literal('HAVE'),
  content,
  bits: v.nullable(bytes(MAX_MODEL_PIECES / 8)),
  knows,
});

/** Since HAVE the sender has these pieces, too. */
export const GainedSchema = v.object({ kind: v.literal('GAINED'), content, pieces: pieceNumbers });

/** The sender fetches these pieces from a server now, so nobody else has to. Replaces what it said before. */
export const FetchingSchema = v.object({
  kind: v.literal('FETCHING'),
  content,
  pieces: v.pipe(v.array(pieceNumber), v.maxLength(MAX_PIECES_FETCHED)),
});

/**
 * Please send this on the bulk lane (`models/swarm/block.ts`), under a number that is new on this link in this direction: a
 * piece, or the hashes of a file's pieces. Answered in the order of the numbers, or declined.
 */
export const WantSchema = v.object({
  kind: v.literal('WANT'),
  content,
  wants: v.pipe(
    v.array(
      v.variant('what', [
        v.object({ id: blockId, what: v.literal('piece'), piece: pieceNumber }),
        v.object({ id: blockId, what: v.literal('layer'), file: v.pipe(count, v.maxValue(MAX_MODEL_FILES - 1)) }),
      ]),
    ),
    v.minLength(1),
    v.maxLength(MAX_WANTS),
  ),
});

/** The sender does not need these any more. What is under way may still arrive. */
export const UnwantSchema = v.object({ kind: v.literal('UNWANT'), ids: blockIds });

/** The sender will not send these: it does not have them, or its owner's limit is reached. */
export const DeclineSchema = v.object({ kind: v.literal('DECLINE'), ids: blockIds });

/** Under which content id do you lend the model of one file whose SHA-256 this is? Answered by NAME. Only to those who know it. */
export const WantNameSchema = v.object({ kind: v.literal('WANT_NAME'), sha256 });

/** A mere claim, which the manifest and the bytes bear out or do not. Null: the sender lends no such file. */
export const NameSchema = v.object({ kind: v.literal('NAME'), sha256, content: v.nullable(content) });

/** What does this model consist of? Answered by MANIFEST. */
export const WantManifestSchema = v.object({ kind: v.literal('WANT_MANIFEST'), content });

/** The bytes whose SHA-256 is the content id (`models/manifest.ts`); null: the sender does not have them. */
export const ManifestSchema = v.object({
  kind: v.literal('MANIFEST'),
  content,
  bytes: v.nullable(bytes(MAX_MODEL_MANIFEST_BYTES)),
});

/** The levels of the largest tree: a million pieces of 64 leaves. */
const MAX_PATH_BYTES = 26 * 32;

/** Please show that you have this leaf of this file (`models/leaf-path.ts`). Answered by PROOF with the same number, which is new on this link. */
export const ProveSchema = v.object({
  kind: v.literal('PROVE'),
  id: blockId,
  content,
  file: v.pipe(count, v.maxValue(MAX_MODEL_FILES - 1)),
  leaf: v.pipe(count, v.maxValue(64 * MAX_MODEL_PIECES - 1)),
});

/** The leaf, and the hashes from its neighbour up to the root; null: the sender does not lend it now. */
export const ProofSchema = v.object({
  kind: v.literal('PROOF'),
  id: blockId,
  proof: v.nullable(v.object({ bytes: bytes(16_384), path: bytes(MAX_PATH_BYTES) })),
});

/** Where do content-defined chunks end in this model? Answered by CHUNKS: part after part, as long as they are wanted. Only to those who know it. */
export const WantChunksSchema = v.object({
  kind: v.literal('WANT_CHUNKS'),
  content,
  /** The first byte of the part. */
  from: v.pipe(count, v.maxValue(MAX_CHUNK_LIST_BYTES)),
});

/**
 * A part of the lists of all files (`models/chunk-list.ts`), from that byte on; one of less than the most bytes is the last. A
 * mere hint, of which nothing is believed. Null: the sender does not have them.
 */
export const ChunksSchema = v.object({
  kind: v.literal('CHUNKS'),
  content,
  from: WantChunksSchema.entries.from,
  bytes: v.nullable(bytes(MAX_CHUNKS_BYTES)),
});

/** The messages that carry models between peers: the one list of them. */
export const SWARM_SCHEMAS = [
  SeekSchema,
  HaveSchema,
  GainedSchema,
  FetchingSchema,
  WantSchema,
  UnwantSchema,
  DeclineSchema,
  WantNameSchema,
  NameSchema,
  WantManifestSchema,
  ManifestSchema,
  ProveSchema,
  ProofSchema,
  WantChunksSchema,
  ChunksSchema,
] as const;

/** One of `SWARM_SCHEMAS`. */
export type SwarmMessage = v.InferOutput<(typeof SWARM_SCHEMAS)[number]>;
export type WantedBlocks = v.InferOutput<typeof WantSchema>['wants'][number];

/** Whether it carries models, and not tasks or introductions. */
export function isSwarmMessage(message: { kind: string }): message is SwarmMessage {
  return SWARM_KINDS.has(message.kind);
}

const SWARM_KINDS: ReadonlySet<string> = new Set(SWARM_SCHEMAS.map(({ entries }) => entries.kind.literal));
