/** The task of answering a conversation. */
import { turnsFault } from '../wire/turns.ts';
import { answerTask } from './answer-task.ts';

export const chat = answerTask({ name: 'chat', needs: [], fault: turnsFault });
