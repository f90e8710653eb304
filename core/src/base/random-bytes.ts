/** Randomness that nobody can foresee. Injected, so that public test vectors can bring their own keys. */
export type RandomBytes = (byteCount: number) => Uint8Array<ArrayBuffer>;

export const randomBytes: RandomBytes = (byteCount) => crypto.getRandomValues(new Uint8Array(byteCount));
