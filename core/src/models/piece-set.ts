/** Which pieces somebody has, a bit for each: piece 0 is the highest bit of the first byte, as in BEP 3. */
export class PieceSet {
  readonly size: number;
  #bits: Uint8Array;
  #count = 0;

  constructor(size: number) {
    this.size = size;
    this.#bits = new Uint8Array(Math.ceil(size / 8));
  }

  /** A stranger's bitmap; null: it is not one of so many pieces. */
  static read(size: number, bits: Uint8Array): PieceSet | null {
    if (bits.byteLength !== Math.ceil(size / 8)) return null;
    const set = new PieceSet(size);
    for (let piece = 0; piece < size; piece++) {
      if (((bits[piece >> 3] ?? 0) & (0x80 >> (piece & 7))) !== 0) set.add(piece);
    }
    // Bits beyond the last piece would say the same in many ways.
    return set.bytes().every((byte, i) => byte === bits[i]) ? set : null;
  }

  /** How many pieces are in it. */
  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count === this.size;
  }

  has(piece: number): boolean {
    return ((this.#bits[piece >> 3] ?? 0) & (0x80 >> (piece & 7))) !== 0;
  }

  /** Has no effect on a piece that there is not. */
  add(piece: number): void {
    if (!Number.isInteger(piece) || piece < 0 || piece >= this.size || this.has(piece)) return;
    this.#bits[piece >> 3] = (this.#bits[piece >> 3] ?? 0) | (0x80 >> (piece & 7));
    this.#count++;
  }

  /** Adds all. */
  fill(): void {
    for (let piece = 0; piece < this.size; piece++) this.add(piece);
  }

  delete(piece: number): void {
    if (piece < 0 || piece >= this.size || !this.has(piece)) return;
    this.#bits[piece >> 3] = (this.#bits[piece >> 3] ?? 0) & ~(0x80 >> (piece & 7));
    this.#count--;
  }

  /** A copy of its bits. */
  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bits);
  }
}
