/** One text, continued as it stands, without a template. Served by chat providers that have this ability. */
import { MeshError } from '../base/errors.ts';
import { turnsFault } from '../wire/turns.ts';
import { answerTask } from './answer-task.ts';

export const completion = answerTask({
  name: 'completion',
  needs: ['completion'],
  fault: (turns) =>
    turns.length === 1 ? turnsFault(turns) : new MeshError('bad_message', 'A completion takes exactly one text.'),
});
