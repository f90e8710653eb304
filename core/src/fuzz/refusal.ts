/** Tells refusals from faults: a decoder may throw a MeshError and nothing else. */
import { MeshError } from '../base/errors.ts';

/** The result of `read`; false when it throws a MeshError. Rethrows all else, even if it looks like one. */
export function refusable(read: () => boolean): boolean {
  try {
    return read();
  } catch (thrown) {
    checkRefusal(thrown);
    return false;
  }
}

/** Throws when this is not a refusal. A bug that was caught and wrapped as one does not count either. */
export function checkRefusal(thrown: unknown): void {
  if (!(thrown instanceof MeshError)) throw thrown;
  for (let cause = thrown.cause; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ReferenceError || MISTAKE.test(cause.message)) throw cause;
  }
}

const MISTAKE = /call stack|cannot read prop|cannot set prop|is not a function|is not iterable|is not defined/i;
