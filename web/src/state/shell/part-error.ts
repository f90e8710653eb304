/**
 * Why a part of the page did not come.
 * away: it could not be fetched, and may be the next time · updated: the mesh has a newer page now, to which this part does
 * not belong · broken: it was fetched and did not run, and the browser does not try it again before a reload
 */
export type PartFailure = 'away' | 'updated' | 'broken';

export class PartError extends Error {
  override readonly name = 'PartError';
  readonly failure: PartFailure;

  constructor(failure: PartFailure, file: string, options?: ErrorOptions) {
    super(`${file} was not loaded (${failure}).`, options);
    this.failure = failure;
  }
}
