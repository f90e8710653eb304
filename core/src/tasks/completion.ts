/** One text, continued as it stands, with no template around it. Served by those who lend for chatting and can do this. */
import { MeshError } from '../base/errors.ts';
import { turnsFault } from '../wire/turns.ts';
import { answerTask } from './answer-task.ts';

export const completion = answerTask({
  name: 'completion',
  needs: ['completion'],
  fault: (turns) =>
    turns.length === 1 ? turnsFault(turns) : new MeshError('bad_message', 'A completion takes exactly one text.'),
});
