/** The text of a file that a person chose: bounded before it is read, and refused with a sentence where there is none. */
import { asLabel } from '@llmesh/core/base/label';
import { MOST_FILE_NAME, MOST_FILES_BYTES } from './question-file.ts';

/** Of a PDF, most of which are pictures and letters' shapes. */
const MOST_PDF_BYTES = 32 * 2 ** 20;
/** UTF-16 takes at most twice the bytes. */
const MOST_TEXT_FILE_BYTES = 2 * MOST_FILES_BYTES + 2;
const LONGEST_EXTENSION = 12;

/** Why a file is not taken, for the person. */
export class FileRefused extends Error {}

export interface FileTextNeeds {
  /** At most `mostChars` characters of a PDF. Rejects with a FileRefused, or with the reason of `signal`. */
  pdfText: (name: string, bytes: Uint8Array, mostChars: number, signal: AbortSignal) => Promise<string>;
}

/** A name that can be shown, with its ending however long it is. */
export function fileLabel(name: string): string {
  const label = asLabel(name, 4 * MOST_FILE_NAME);
  if (label === '') return 'file';
  if (label.length <= MOST_FILE_NAME) return label;
  const dot = label.lastIndexOf('.');
  const ending = dot > 0 && label.length - dot <= LONGEST_EXTENSION ? label.slice(dot) : '';
  return asLabel(label, MOST_FILE_NAME - ending.length - 1) + '…' + ending;
}

/** Rejects with a FileRefused, or with the reason of `signal`. */
export async function textOfFile(file: File, { pdfText }: FileTextNeeds, signal: AbortSignal): Promise<string> {
  const name = fileLabel(file.name);
  const start = new Uint8Array(await file.slice(0, 1_024).arrayBuffer());
  signal.throwIfAborted();
  const isPdf = new TextDecoder('latin1').decode(start).includes('%PDF-');
  if (file.size > (isPdf ? MOST_PDF_BYTES : MOST_TEXT_FILE_BYTES)) throw new FileRefused(tooLarge(name, isPdf));
  const bytes = new Uint8Array(await file.arrayBuffer());
  signal.throwIfAborted();
  const text = isPdf ? await pdfText(name, bytes, MOST_FILES_BYTES, signal) : decoded(name, bytes);
  if (text.trim() === '') {
    throw new FileRefused(
      isPdf ? `${name} holds pictures of its pages and no text, so no model here can read it.` : `${name} is empty.`,
    );
  }
  return text.replaceAll('\r\n', '\n');
}

export function tooLarge(name: string, isPdf = false): string {
  return isPdf
    ? `${name} is too large: PDFs of up to 32 MB can be read.`
    : `${name} is too large: the files of one question can hold about 400,000 characters together. Cut it down to the part you ask about.`;
}

function decoded(name: string, bytes: Uint8Array): string {
  const [first, second] = bytes;
  const wide = first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : null;
  if (wide !== null) return new TextDecoder(wide).decode(bytes);
  if (bytes.includes(0)) {
    throw new FileRefused(
      `${name} is no text file. Models here read text, code, tables as CSV or JSON, and PDF; save it as one of these first.`,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // What is no UTF-8 and has no zeros was mostly written by an older program of an office.
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
