/** Variants of a model file, for tests: bytes of the same length, so that everything else stays where it is. */

/** Uses the same tokens but differs now and then: every `every`-th byte of the weights loses its last bits. */
export function worseModel(model: Buffer, every: number): Buffer {
  const worse = Buffer.from(model);
  for (let at = worse.length >> 2; at < worse.length; at += every) worse[at] = (worse[at] ?? 0) & 0xf8;
  return worse;
}

/** Spells the first `from` of its header `to`. Throws where there is none. */
export function respelled(model: Buffer, from: string, to: string): Buffer {
  const at = model.indexOf(from);
  if (at === -1 || from.length !== to.length) throw new Error(`cannot spell ${from} as ${to}`);
  const other = Buffer.from(model);
  other.write(to, at, 'latin1');
  return other;
}

/** Makes it claim this architecture. Its vocabulary, which comes later in the file, stays. */
export function ofArchitecture(model: Buffer, architecture: string): Buffer {
  const words = model.indexOf('tokenizer.');
  let other = model;
  for (;;) {
    const at = other.indexOf('llama');
    if (at === -1 || at > words) return other;
    other = respelled(other, 'llama', architecture);
  }
}
