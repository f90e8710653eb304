/** Finds the turns of one conversation that say something, oldest first: of a long one the browser's own search sees only what is drawn. */
import { saidOf, type ShownTurn } from '../turn.ts';
import { fold } from './fold.ts';

export function findInTalk(turns: readonly ShownTurn[], query: string): string[] {
  const sought = spaced(fold(query));
  if (sought === '') return [];
  return turns
    .filter((turn) => spaced(fold(turn.role === 'user' ? turn.text : saidOf(turn))).includes(sought))
    .map(({ id }) => id);
}

/** Lines break elsewhere on the screen than in the text. */
function spaced(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
