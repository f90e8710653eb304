// What the network is: the shape in llmesh-tiny.gguf, which a test compares with this one.
export const LAYERS = 4;
export const WIDTH = 256;
export const HEADS = 4;
export const KEY_HEADS = 2;
export const HEAD = 64;
export const INNER = 640;
export const VOCABULARY = 1536;
export const CONTEXT = 2048;
export const EPSILON = '1e-5';

/** The most tokens that are read at once; web-llm cuts longer texts into pieces of this length. Short enough for any watchdog. */
export const CHUNK = 128;
/** Everything is computed in fours: rows, columns, and heads. */
export const FOUR = 4;
/** Invocations of the workgroup that reads: each has four columns of every head. */
export const GROUP = HEAD / FOUR;

/** Queries, keys and values stand above each other in one matrix, and so do gate and up. */
export const ATTENTION_ROWS = (HEADS + 2 * KEY_HEADS) * HEAD;
export const GATED_ROWS = 2 * INNER;
