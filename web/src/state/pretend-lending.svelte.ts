/** For tests: lending that is on or off, and says so to whoever follows it. */
export function pretendLending(): { on: boolean } {
  const lending = $state({ on: false });
  return lending;
}
