import { cutBefore } from '../../graphemes.ts';

const MOST_CHARS = 60;

/** The name of a file that every system takes. */
export function fileName(title: string, extension: string): string {
  const plain = title.normalize('NFC').replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, '-');
  const short = plain.slice(0, cutBefore(plain, MOST_CHARS)).replaceAll(/^-+|-+$/g, '');
  return `${short === '' ? 'conversation' : short}.${extension}`;
}
