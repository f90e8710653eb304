/** What an auditor's engine says about an answer that another engine wrote. Plain data: the tests read nothing else. */

/** How an answer can be checked: its draws can be repeated; or only how likely its words are; or neither. */
export type Replayable = 'seed' | 'likelihood' | 'none';

/** How one answer was checked. `greedy`: the likeliest token each time; `seed`: each token drawn again; or by likelihood. */
export const SCORE_MODES = ['greedy', 'seed', 'likelihood'] as const;
export type ScoreMode = (typeof SCORE_MODES)[number];

/** One entry for each token of the answer, in their order. Logarithms are natural ones. */
export interface Scores {
  readonly mode: ScoreMode;
  /** The token that this engine chooses here, after the same tokens. */
  readonly drawn: Int32Array;
  /**
   * How far the token is from being chosen, in logits: 0 where it is chosen. Never negative. Where it is drawn: how far the
   * odds of the edge of its range are from the odds of the draw; 0, too, where nobody looked. Infinity: no honest engine
   * would have written it.
   */
  readonly margins: Float32Array;
  /**
   * How likely the token is: among what it is drawn from, after sampling has cut and scaled, unless the mode is greedy.
   * What was cut off by so little that another honest engine could have kept it (`EDGE_NOISE`), or nobody knows by how much, is
   * as likely as the last one that was kept. −Infinity: it was cut off. NaN, not where the mode is likelihood: nobody asked.
   */
  readonly logprobs: Float32Array;
  /** The entropy of what the token is drawn from; null: this engine cannot say it, and does not check by likelihood. */
  readonly entropies: Float32Array | null;
  /** The tokens of the prompt as this engine reads it. */
  readonly promptTokens: number;
  /** What the tokens spell, as pieces of an answer do. Left out: this engine cannot tell. */
  readonly text?: string;
}
