/** Conversations as a browser keeps them after months of use, the same every time: written into its store before the page opens. */
import type { Page } from '@playwright/test';
import { newPeerId, newTaskId } from '@llmesh/core/base/ids';

export interface TalkOptions {
  title: string;
  answers: number;
  /** So many days ago. */
  age?: number;
}

export interface WrittenTalk {
  id: string;
  title: string;
  /** All that was said in it, question and answer by turns. */
  texts: string[];
}

const WORDS =
  'river stone lamp quiet table window morning garden letter number answer question memory harbour winter copper signal thread engine paper'.split(
    ' ',
  );
const PEER = newPeerId();
const DAY_MS = 86_400_000;
/** Records that are handed to the browser at a time. */
const PORTION = 2_000;

/** The page of the mesh at `url` has these conversations when it is opened next. */
export async function writeTalks(page: Page, url: string, talks: readonly TalkOptions[]): Promise<WrittenTalk[]> {
  const written = talks.map((talk, i) => talkOf(talk, i));
  // A page of the same origin that opens no store of its own.
  await page.goto(`${url}/models/catalogue.json`);
  const entries = written.flatMap((talk, i) => recordsOf(talk, talks[i]!.age ?? 0));
  for (let from = 0; from < entries.length; from += PORTION) {
    await page.evaluate(
      async (some) => {
        const opening = indexedDB.open('llmesh');
        opening.onupgradeneeded = () => opening.result.createObjectStore('kept');
        const db = await new Promise<IDBDatabase>((resolve, reject) => {
          opening.onsuccess = () => resolve(opening.result);
          opening.onerror = () => reject(opening.error);
        });
        const writing = db.transaction('kept', 'readwrite');
        for (const [key, value] of some) writing.objectStore('kept').put(value, key);
        await new Promise((resolve, reject) => {
          writing.oncomplete = resolve;
          writing.onerror = reject;
        });
        db.close();
      },
      entries.slice(from, from + PORTION),
    );
  }
  return written;
}

function talkOf({ title, answers }: TalkOptions, seed: number): WrittenTalk {
  const random = numbers(seed + 1);
  const texts: string[] = [];
  for (let i = 0; i < answers; i++) texts.push(i === 0 ? title : question(random), answer(random, i));
  return { id: newTaskId(), title, texts };
}

/** As `state/chat/kept-conversation.ts` of the page reads them. */
function recordsOf({ id, title, texts }: WrittenTalk, age: number): [key: string, value: unknown][] {
  const updatedAt = Date.now() - age * DAY_MS;
  const talk = { version: 1, id, title, created: updatedAt, updatedAt, next: texts.length, waiting: [], models: {} };
  return [
    [`talk/${id}`, { ...talk, scope: 'anyone' }],
    ...texts.map((text, i): [string, unknown] => [
      `turn/${id}/${String(i).padStart(9, '0')}`,
      i % 2 === 0 ? { role: 'user', id: newTaskId(), text } : answerRecord(text),
    ]),
  ];
}

function answerRecord(text: string): object {
  const tokens = Math.ceil(text.length / 4);
  return {
    role: 'assistant',
    id: newTaskId(),
    scope: 'anyone',
    model: { id: 'some-model', name: 'Some model', quant: 'q4' },
    state: 'done',
    why: null,
    provider: PEER,
    native: true,
    ahead: 0,
    estimateMs: null,
    left: false,
    text,
    thought: null,
    tokens,
    ids: null,
    seams: [],
    tokensPerSecond: 40,
    receipt: {
      path: 'direct',
      firstTokenMs: 300,
      tokensPerSecond: 40,
      completionTokens: tokens,
      cut: false,
      signed: 'signed',
    },
    error: null,
  };
}

function question(random: () => number): string {
  return `How does the ${word(random)} reach the ${word(random)}, and what does the ${word(random)} cost?`;
}

/** Paragraphs, lists, code and tables, about as often as models write them. */
function answer(random: () => number, number: number): string {
  const blocks = [`Answer ${number + 1}. ${paragraph(random)}`];
  for (let i = 0; i < 1 + random() * 3; i++) {
    const kind = random();
    if (kind < 0.55) blocks.push(paragraph(random));
    else if (kind < 0.8) blocks.push(lines(4, () => `- **${word(random)}**: ${sentence(random)}`));
    else if (kind < 0.93)
      blocks.push(`\`\`\`js\n${lines(5, () => `const ${word(random)} = ${word(random)}(1);`)}\n\`\`\``);
    else blocks.push(`| name | use |\n| --- | --- |\n${lines(4, () => `| ${word(random)} | ${word(random)} |`)}`);
  }
  return blocks.join('\n\n');
}

function paragraph(random: () => number): string {
  return Array.from({ length: 2 + Math.floor(random() * 3) }, () => sentence(random)).join(' ');
}

function sentence(random: () => number): string {
  const some = Array.from({ length: 7 + Math.floor(random() * 9) }, () => word(random)).join(' ');
  return `The ${some}.`;
}

function lines(count: number, line: () => string): string {
  return Array.from({ length: count }, line).join('\n');
}

function word(random: () => number): string {
  return WORDS[Math.floor(random() * WORDS.length)]!;
}

/** A linear congruential generator: enough for words. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
