/**
 * Takes the text out of a PDF, in a thread of its own: a hostile file may make its reader work without end, and whoever waits ends
 * the thread. PDF.js, as unpdf brings it, runs neither scripts nor forms of the file, and fetches nothing.
 */
import { getDocumentProxy } from 'unpdf';

export interface PdfOrder {
  bytes: Uint8Array;
  mostChars: number;
  /** Where the news goes: PDF.js itself speaks to whoever began this thread. */
  port: MessagePort;
}

/** long: it holds more than was asked for · locked: with a password · broken: it is no PDF that can be read */
export type PdfFault = 'long' | 'locked' | 'broken';
export type PdfNews = { text: string } | { fault: PdfFault };

addEventListener('message', ({ data }: MessageEvent<PdfOrder>) => {
  const tell = (news: PdfNews) => data.port.postMessage(news);
  textOf(data).then(tell, (error: unknown) => tell({ fault: faultOf(error) }));
});

async function textOf({ bytes, mostChars }: Omit<PdfOrder, 'port'>): Promise<PdfNews> {
  const pdf = await getDocumentProxy(bytes, { verbosity: 0, disableFontFace: true, useSystemFonts: false });
  let text = '';
  for (let number = 1; number <= pdf.numPages; number++) {
    const page = await pdf.getPage(number);
    const { items } = await page.getTextContent();
    if (text !== '') text += '\n\n';
    for (const item of items) if ('str' in item) text += item.hasEOL ? `${item.str}\n` : item.str;
    page.cleanup();
    if (text.length > mostChars) return { fault: 'long' };
  }
  return { text };
}

function faultOf(error: unknown): PdfFault {
  return (error as { name?: unknown } | null)?.name === 'PasswordException' ? 'locked' : 'broken';
}
