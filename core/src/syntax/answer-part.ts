/** What an answer is made of, whatever the model writes around it. */
export type AnswerPart =
  /** The next words of what the model thinks before it speaks. */
  | { type: 'thought'; text: string }
  /** The next words of what it says. */
  | { type: 'said'; text: string }
  /** A function is called; it is call number `index` of this answer. */
  | { type: 'call'; index: number; name: string }
  /** The next piece of the arguments of that call, which are JSON. */
  | { type: 'arguments'; index: number; text: string };

/** Reads an answer as it comes. However it is cut into pieces, the parts together are the same. */
export interface PartReader {
  /** What `text` adds. Never throws. */
  push(text: string): AnswerPart[];
  /** What was held back, when nothing more comes. */
  end(): AnswerPart[];
  /** Whether the last text was within thoughts. */
  readonly isThinking: boolean;
}
