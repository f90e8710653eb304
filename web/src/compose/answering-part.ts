/** See `answering.ts`: one file to fetch. */
export { askShorter } from '../state/chat/context/ask-shorter.ts';
export { answerHere } from '../state/device/local-answer.ts';
