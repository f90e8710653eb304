/** Text in pieces that can each be handled at once. */
import { cutBefore } from '../../../state/graphemes.ts';

/** A browser lays a paragraph out as a whole. */
export const PIECE_CHARS = 4_000;

/**
 * The last place up to `most` characters on where the text can be cut: after a line, else after a word, else (`clean` is false)
 * between two characters.
 */
export function pieceEnd(text: string, from: number, most: number): { end: number; clean: boolean } {
  const full = from + most;
  if (text.length <= full) return { end: text.length, clean: true };
  const near = text.slice(from, full);
  const after = Math.max(near.lastIndexOf('\n'), 0) * 2 > most ? near.lastIndexOf('\n') : near.lastIndexOf(' ');
  if (after * 2 > most) return { end: from + after + 1, clean: true };
  return { end: from + Math.max(cutBefore(text.slice(from, full + 128), most), 1), clean: false };
}

/** The text in paragraphs; a line break between two of them is their end. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length;) {
    const { end } = pieceEnd(text, from, PIECE_CHARS);
    pieces.push(text.slice(from, text[end - 1] === '\n' ? end - 1 : end));
    from = end;
  }
  return pieces;
}
