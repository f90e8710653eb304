/** The text of a PDF, read in a worker that ends with it. */
import { FileRefused, tooLarge } from '../../state/chat/files/file-text.ts';
import type { PdfFault, PdfNews, PdfOrder } from './pdf-worker.ts';

/** A large book takes some seconds on a phone. */
const PATIENCE_MS = 60_000;

/** `worker` runs `pdf-worker.ts`. Rejects with a FileRefused, or with the reason of `signal`. `bytes` are given away. */
export async function pdfText(
  worker: Worker,
  name: string,
  bytes: Uint8Array,
  mostChars: number,
  signal: AbortSignal,
): Promise<string> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  const ended = AbortSignal.any([signal, patience]);
  try {
    const news = await new Promise<PdfNews>((resolve, reject) => {
      const stop = () => reject(signal.aborted ? signal.reason : new FileRefused(`${name} took too long to read.`));
      if (ended.aborted) return stop();
      ended.addEventListener('abort', stop);
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }: MessageEvent<PdfNews>) => resolve(data);
      // The code of the worker did not come, or the file used up its memory.
      worker.addEventListener('error', () => reject(new FileRefused(faultWords(name, 'broken'))));
      worker.postMessage({ bytes, mostChars, port: port2 } satisfies PdfOrder, [bytes.buffer, port2]);
    });
    if ('fault' in news) throw new FileRefused(faultWords(name, news.fault));
    return news.text;
  } finally {
    worker.terminate();
  }
}

function faultWords(name: string, fault: PdfFault): string {
  switch (fault) {
    case 'long':
      return tooLarge(name);
    case 'locked':
      return `${name} is locked with a password. Save a copy of it without one first.`;
    case 'broken':
      return `${name} could not be read as a PDF. Open it in another program, and save it anew or as text.`;
    default:
      return fault satisfies never;
  }
}
