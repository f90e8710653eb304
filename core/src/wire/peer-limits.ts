/**
 * The version of what peers say to each other, and how much of it a question and an answer may be. A file without schemas: a page
 * needs these before it has met a peer, and its first load leaves `protocol.ts` out.
 */

/** Both ends must speak the same one; it is the first byte of every data frame and a field of `hello`. */
export const PROTOCOL_VERSION = 6;
/** The most text of one question with its history, in UTF-8 bytes; the context of most models is far smaller. */
export const MAX_PROMPT_BYTES = 524_288;
export const MAX_TURNS = 2_048;
/** The most tokens of an answer that another provider continues. */
export const MAX_PREFIX_TOKENS = 32_768;
export const MAX_PREFIX_CHARACTERS = 262_144;
/** The most token ids in a prefix or a piece: one list for the decoder. A longer prefix is continued by its text. */
export const MAX_TOKEN_IDS = 4_096;
/** Vocabularies have fewer than a million; engines keep an id in a signed 32-bit number. */
export const MAX_TOKEN_ID = 0x7fff_ffff;
/** The longest tokens in vocabularies are rows of some hundred blanks. */
export const MAX_TOKEN_CHARACTERS = 512;
