/**
 * The number between 0 and 1 that llama.cpp draws with a fresh seed: `std::uniform_real_distribution<double>` over
 * `std::mt19937`, which libstdc++ and libc++ fill alike, from two outputs. Whole numbers all the way, so that every engine
 * and browser gets the same bits.
 */

const STATE = 624;
const SHIFT = 397;
const UPPER = 0x8000_0000;
const LOWER = 0x7fff_ffff;
const TWO_32 = 2 ** 32;
const TWO_64 = 2 ** 64;
/** The largest double below 1: what libstdc++ returns where rounding reaches 1. */
const BELOW_ONE = 1 - 2 ** -53;
/** Only so much of the state is behind the first two outputs. */
const NEEDED = SHIFT + 2;
const state = new Uint32Array(NEEDED);

/** In [0, 1). `seed`: a whole number below 2³². */
export function uniformOf(seed: number): number {
  fill(seed);
  const drawn = (output(0) + output(1) * TWO_32) / TWO_64;
  return drawn < 1 ? drawn : BELOW_ONE;
}

function fill(seed: number): void {
  let last = seed >>> 0;
  state[0] = last;
  for (let i = 1; i < NEEDED; i++) {
    last = (Math.imul(last ^ (last >>> 30), 1_812_433_253) + i) >>> 0;
    state[i] = last;
  }
}

/** The output number `i` of the first round. Only for i < STATE − SHIFT: later ones depend on renewed state. */
function output(i: 0 | 1): number {
  const mixed = (state[i]! & UPPER) | (state[i + 1]! & LOWER);
  let y = state[(i + SHIFT) % STATE]! ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908_b0df : 0);
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c_5680;
  y ^= (y << 15) & 0xefc6_0000;
  y ^= y >>> 18;
  return y >>> 0;
}
