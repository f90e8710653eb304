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
