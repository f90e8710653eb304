import type { CarriedTalk } from './carried-talk.ts';

/** What was read of a file. */
export interface Incoming {
  talks: readonly CarriedTalk[];
  /** So many conversations could not be read, or were too many. */
  leftOut: number;
}
