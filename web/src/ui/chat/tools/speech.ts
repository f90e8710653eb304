/** What browsers can hear and say. The types of TypeScript do not have all of it, and not every browser does. */

export interface Hearing {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  start: () => void;
  stop: () => void;
  abort: () => void;
  onresult: ((event: HearingEvent) => void) | null;
  onerror: ((event: { error: string }) => void) | null;
  onend: (() => void) | null;
}

export interface HearingEvent {
  results: ArrayLike<ArrayLike<{ transcript: string }> & { isFinal: boolean }>;
}

type MakesHearing = new () => Hearing;

function hearingOf(): MakesHearing | undefined {
  const all = globalThis as { SpeechRecognition?: MakesHearing; webkitSpeechRecognition?: MakesHearing };
  return all.SpeechRecognition ?? all.webkitSpeechRecognition;
}

/** Where the page did not come safely, no browser lets it listen. */
export function canHear(): boolean {
  return isSecureContext && hearingOf() !== undefined;
}

export function newHearing(): Hearing {
  const Made = hearingOf();
  if (Made === undefined) throw new TypeError('This browser does not turn speech into text.');
  return new Made();
}

export function canSpeak(): boolean {
  return 'speechSynthesis' in globalThis && typeof SpeechSynthesisUtterance === 'function';
}

/** The person's usual voice, or another of their language, that speaks without its maker's servers; null: the browser chooses. */
export function ownVoice(): SpeechSynthesisVoice | null {
  const own = speechSynthesis.getVoices().filter(({ localService }) => localService);
  const [language = ''] = navigator.language.split('-', 1);
  return own.find((voice) => voice.default) ?? own.find(({ lang }) => lang.startsWith(language)) ?? null;
}

/** In Chromium a long text falls silent in the middle. */
const LONGEST_SPOKEN = 200;

/** An answer as it is read aloud, sentence by sentence, without the marks of Markdown; code is left out. */
export function speakable(text: string): string[] {
  const words = text
    .replaceAll(/^(`{3,})[^]*?^\1`*$/gm, ' ')
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[*`]+/g, '')
    .replaceAll(/^[#>\s]+/gm, '')
    .replaceAll('|', ' ');
  const sentences = [...new Intl.Segmenter(undefined, { granularity: 'sentence' }).segment(words)];
  return sentences
    .flatMap(
      ({ segment }) =>
        segment.match(new RegExp(`[^]{1,${LONGEST_SPOKEN}}(?:\\s|$)|[^]{1,${LONGEST_SPOKEN}}`, 'gu')) ?? [],
    )
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
