/** What an answer lacks, and what it has twice or too much: by the longest common subsequence with what it should be. */
export interface TokenLoss {
  lost: number;
  duplicated: number;
}

export function tokenLoss(expected: readonly number[], got: readonly number[]): TokenLoss {
  // Row by row; `row[j]`: the length for what was expected so far and the first j that came.
  let row = Array.from({ length: got.length + 1 }, () => 0);
  for (const token of expected) {
    const next = [0];
    for (const [j, other] of got.entries()) {
      const same = token === other;
      next.push(same ? (row[j] ?? 0) + 1 : Math.max(row[j + 1] ?? 0, next[j] ?? 0));
    }
    row = next;
  }
  const common = row[got.length] ?? 0;
  return { lost: expected.length - common, duplicated: got.length - common };
}
