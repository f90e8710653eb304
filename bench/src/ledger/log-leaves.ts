/** Leaves as large as events of a ledger, no two alike; the same for everyone who asks for the same ones. */
export function logLeaves(count: number, from: number, bytes: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const leaf = new Uint8Array(bytes);
    const view = new DataView(leaf.buffer);
    // What stands in receipts is keys and signatures, which nothing can make smaller.
    let word = (from + i) * 2_654_435_761;
    for (let at = 0; at + 4 <= bytes; at += 4) {
      word = (Math.imul(word, 1_664_525) + 1_013_904_223) | 0;
      view.setInt32(at, word);
    }
    view.setFloat64(0, from + i);
    return leaf;
  });
}
