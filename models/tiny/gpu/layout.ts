// Where everything lies in the buffers of the graphics card, in fours of 32 bits.
import { ATTENTION_ROWS, CONTEXT, FOUR, GATED_ROWS, HEAD, KEY_HEADS, LAYERS, VOCABULARY, WIDTH } from './shape';

const BLOCK = 32;
const NUMBERS_OF_WORD = 4;

/** The weights are two tensors: numbers of 8 bits, four to a word, and everything else. All layers of a matrix follow each other. */
export const EMBEDDING = 0;
export const ATTENTION = EMBEDDING + wordsOf(VOCABULARY, WIDTH);
export const OUT = ATTENTION + LAYERS * wordsOf(ATTENTION_ROWS, WIDTH);
export const GATED = OUT + LAYERS * wordsOf(WIDTH, WIDTH);
export const DOWN = GATED + LAYERS * wordsOf(GATED_ROWS, WIDTH);
/** In the tensor of floats: the norms, the turns by position, and the scales of the matrices in their order. */
export const NORMS = 0;
export const TURNS = NORMS + (2 * LAYERS + 1) * WIDTH / FOUR;
const SCALES = TURNS + CONTEXT * HEAD / FOUR;

function wordsOf(rows: i32, columns: i32): i32 {
  return rows * columns / NUMBERS_OF_WORD / FOUR;
}

/** The scales of the matrix whose words begin there: one for 32 numbers. */
export function scalesOf(words: i32): i32 {
  return SCALES + words * NUMBERS_OF_WORD / BLOCK;
}

/** Keys and values are one buffer: keys by layer, head, four columns and position, values by layer, head, position and four columns. */
export const KEYS = 0;
export const VALUES = LAYERS * KEY_HEADS * HEAD / FOUR * CONTEXT;
/** Behind them there is room for what each head attends to, by position. */
export const ATTENDED = 2 * VALUES;
export const CACHE_NUMBERS = (ATTENDED + CONTEXT) * FOUR;
