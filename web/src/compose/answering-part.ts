/** See `answering.ts`: one file to fetch. */
export { askShorter } from '../state/chat/context/ask-shorter.ts';
export { answerHere } from '../state/device/local-answer.ts';
export { newsOf } from '../state/chat/answer-news.ts';
export { failureOf } from '../state/chat/answer-words.ts';
