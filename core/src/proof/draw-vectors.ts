/**
 * What other programs must compute, too. The uniform numbers were made by libstdc++ (g++ 12, `std::mt19937` and
 * `std::uniform_real_distribution<double>`), the rest by a few lines of Python: hashlib, and MessagePack written by hand.
 */

/** A seed, and the number that llama.cpp draws with it. */
export const UNIFORM_VECTORS: readonly (readonly [seed: number, drawn: number])[] = [
  [0, 0.59284461651668263],
  [1, 0.99718480823026556],
  [2, 0.18508208157401412],
  [42, 0.79654298428784598],
  [5_489, 0.1354770042967805],
  [0x7fff_ffff, 0.89200874660010243],
  [0x8000_0000, 0.33526730634085899],
  [0xffff_fffe, 0.10184899170898529],
  [0xdead_beef, 0.89461033610224472],
  [123_456_789, 0.99064914056398745],
  [19_650_218, 0.11225925910786473],
];

/** FNV-1a over the bits of the numbers of 10,000 seeds: i · 2,654,435,761 mod 2³². */
export const UNIFORM_DIGEST = 0xba86_71ad_c6f4_240fn;

/** The draws behind a seed that a requester names, in hex, and the seeds of some positions. */
export const SEEDED_VECTOR = {
  seed: 42,
  draws: '91887862d7b6f425158b5fa01e395a83dc4f62f70a9bb1106c80e68f49bc6d38',
  seeds: [
    [0, 3_268_258_913],
    [1, 1_502_600_086],
    [7, 194_929_086],
    [8, 3_975_911_247],
    [4_095, 2_354_705_474],
    [32_768, 3_926_194_814],
  ],
} as const;

/** The draws of an answer whose commitment is 32 bytes of 1, lease nonce 16 of 2, and half 16 of 3. */
export const DRAWS_VECTOR = {
  draws: '99921232ed802e66f5b898fe591bb78366f1ae2430eb1029394e9bfb2fd8c237',
  seeds: [
    [0, 1_920_622_572],
    [1, 2_062_646_753],
    [9, 1_216_268_233],
  ],
} as const;
