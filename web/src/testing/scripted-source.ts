/** Answers whose words follow from their question, some of them slow, so that a test knows what each has to be. */
import { billOf } from '@llmesh/core/ask/bill';
import type { AnswerEvent, AskRequest } from '@llmesh/core/ask/answer';
import { cancelled } from '@llmesh/core/base/errors';
import type { PeerId } from '@llmesh/core/base/ids';
import type { Candidate } from '@llmesh/core/wire/candidate';
import type { Offer } from '@llmesh/core/wire/model-advert';

type Note = (what: 'begins' | 'ends', which: string) => void;

export class ScriptedSource {
  readonly #model: Offer;
  readonly #provider: PeerId;
  readonly #note: Note;

  constructor(model: Offer, provider: PeerId, note: Note) {
    this.#model = model;
    this.#provider = provider;
    this.#note = note;
  }

  async *ask(request: AskRequest, signal: AbortSignal): AsyncGenerator<AnswerEvent, void, undefined> {
    const last = request.turns.at(-1)!.content;
    this.#note('begins', last);
    try {
      yield { type: 'provider', candidate: this.#candidate() };
      yield { type: 'accepted', ahead: 0 };
      const words = answerTo(last);
      const begun = request.prefix?.text ?? '';
      const written = words.findIndex((_, i) => words.slice(0, i + 1).join('') === begun) + 1;
      for (const word of words.slice(written)) {
        await pause(pauseOf(last), signal);
        yield { type: 'piece', text: word, tokens: 1, tokenIds: null };
      }
      yield { type: 'done', summary: this.#summary(words.length) };
    } finally {
      this.#note('ends', last);
    }
  }

  #candidate(): Candidate {
    const model = { ...this.#model, backend: 'cpu', continues: 'text', sha256: null } as const;
    return {
      ...{ peerId: this.#provider, agent: 'native', reliability: 1, certificate: null },
      ...{ model, slots: 9, busySlots: 0, queued: 0 },
    } as unknown as Candidate;
  }

  #summary(completionTokens: number) {
    return {
      provider: this.#provider,
      finish: 'stop' as const,
      promptTokens: 1,
      completionTokens,
      path: 'direct' as const,
      receipt: 'none' as const,
      seams: [],
      bill: billOf([]),
      firstTokenMs: 1,
      tokensPerSecond: 9,
    };
  }
}

/** Between five and nine words, none of them twice. */
export function answerTo(question: string): string[] {
  return Array.from({ length: 5 + (question.length % 5) }, (_, i) => `${question}.${i} `);
}

/** One in three takes its time, so that it is found unfinished. */
function pauseOf(question: string): number {
  return Number(question.replaceAll(/\D/g, '')) % 3 === 0 ? 25 : 1;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(cancelled());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
