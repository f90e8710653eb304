/** Refused, or broken? A decoder may throw a MeshError and nothing else. */
import { MeshError } from '../base/errors.ts';

/** What `read` says; false when it throws a MeshError. Throws what is none, and what only looks like one. */
export function refusable(read: () => boolean): boolean {
  try {
    return read();
  } catch (thrown) {
    checkRefusal(thrown);
    return false;
  }
}

/** Throws when this is no refusal. Mistakes of a program, caught and wrapped along with the refusals, are none either. */
export function checkRefusal(thrown: unknown): void {
  if (!(thrown instanceof MeshError)) throw thrown;
  for (let cause = thrown.cause; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof ReferenceError || MISTAKE.test(cause.message)) throw cause;
  }
}

const MISTAKE = /call stack|cannot read prop|cannot set prop|is not a function|is not iterable|is not defined/i;
