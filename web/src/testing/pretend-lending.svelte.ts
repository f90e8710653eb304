/** For tests: lending that is on or off, at work or not, and says so to whoever follows it. */
export function pretendLending(): { on: boolean; atWork: boolean } {
  const lending = $state({ on: false, atWork: false });
  return lending;
}
