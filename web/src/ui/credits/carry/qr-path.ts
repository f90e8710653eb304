/** A text as a QR code (ISO/IEC 18004), to be drawn as one path. */
import { encodeQR } from 'qr';

/** Of the standard: so many modules around the code stay white. */
const QUIET = 4;

export interface QrPath {
  /** Modules along each side, with what stays white. */
  readonly size: number;
  /** The dark modules, as the `d` of an SVG path, one unit each. */
  readonly path: string;
}

/** `text`: whoever reads the code may get it in capitals, which need a third less room. */
export function qrPath(text: string): QrPath {
  const rows = encodeQR(text.toUpperCase(), 'raw', { ecc: 'medium', border: QUIET });
  const runs = rows.flatMap((row, y) => runsOf(row).map(([x, length]) => `M${x} ${y}h${length}v1h-${length}z`));
  return { size: rows.length, path: runs.join('') };
}

/** Where dark modules begin in a row, and how many there are side by side. */
function runsOf(row: readonly boolean[]): [x: number, length: number][] {
  const runs: [number, number][] = [];
  for (const [x, dark] of row.entries()) {
    const last = runs.at(-1);
    if (dark && last !== undefined && last[0] + last[1] === x) last[1] += 1;
    else if (dark) runs.push([x, 1]);
  }
  return runs;
}
