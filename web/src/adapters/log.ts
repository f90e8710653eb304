/** Failures that a person need not know about, for anyone who opens the console. Never a prompt, never a key. */
export function warn(what: string, error: unknown): void {
  // oxlint-disable-next-line no-console -- the one place
  console.warn(`LLMesh: ${what}`, error);
}

export function notKept(error: unknown): void {
  warn('this browser did not keep a setting', error);
}
