// Where everything lies in the buffers of the graphics card.
import { ATTENTION_ROWS, CONTEXT, GATED_ROWS, HEAD, HEADS, KEY_HEADS, LAYERS, VOCABULARY, WIDTH } from './shape';

/** The weights are two tensors: numbers of 8 bits, four to a word, and everything else. All layers of a matrix follow each other. */
export const EMBEDDING = 0;
export const ATTENTION = EMBEDDING + VOCABULARY * WIDTH;
export const OUT = ATTENTION + LAYERS * ATTENTION_ROWS * WIDTH;
export const GATED = OUT + LAYERS * WIDTH * WIDTH;
export const DOWN = GATED + LAYERS * GATED_ROWS * WIDTH;
/** In the tensor of floats: the norms, the turns by position, and the scales of the matrices in their order. */
export const NORMS = 0;
export const TURNS = NORMS + (2 * LAYERS + 1) * WIDTH;
export const SCALES = TURNS + CONTEXT * HEAD;

/** The scales of the matrix whose numbers begin there: one for 32 of them. */
export function scalesOf(numbers: i32): i32 {
  return SCALES + numbers / 32;
}

/** Keys and values are one buffer: keys by layer, head, column and position, values by layer, head, position and column. */
export const KEYS = 0;
export const VALUES = LAYERS * KEY_HEADS * HEAD * CONTEXT;
/** Behind them there is room for what each head attends to, by position. */
export const ATTENDED = 2 * VALUES;
export const CACHE_NUMBERS = ATTENDED + HEADS * CONTEXT;
