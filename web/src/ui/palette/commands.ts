/** What can be gone to or done from anywhere, by a few letters of its name. */
import { PAGE_NAMES } from '../shell/page-names.ts';
import { PAGES, talkPath } from '@llmesh/core/wire/pages';
import type { Summary } from '../../state/chat/kept-conversation.ts';
import { fold, wordsOf } from '../../state/chat/search/fold.ts';
import { THEMES, type Theme } from '../../state/settings.svelte.ts';

export interface Command {
  id: string;
  words: string;
  /** What kind of thing it is. */
  kind: 'Do' | 'Go to' | 'Conversation';
  /** An address, or what it does. */
  to: string | (() => void);
}

export interface CommandNeeds {
  /** Those that match what was typed, or all; newest first. */
  talks: readonly Summary[];
  /** Whether an answer is being written. */
  running: boolean;
  stop: () => void;
  theme: Theme;
  setTheme: (theme: Theme) => void;
  showKeys: () => void;
}

/** So many conversations are listed: more are found by typing on. */
export const MOST_TALKS = 30;
const THEME_WORDS: Record<Theme, string> = {
  system: 'Colours as in the system',
  light: 'Light colours',
  dark: 'Dark colours',
};

/** Those that hold every word that was typed, commands before conversations. */
export function commandsFor(typed: string, needs: CommandNeeds): Command[] {
  const { talks, running, stop, theme, setTheme, showKeys } = needs;
  const words = wordsOf(typed);
  const fixed: Command[] = [
    { id: 'new', words: 'New conversation', kind: 'Do', to: PAGES.chat.path },
    ...(running ? [{ id: 'stop', words: 'Stop the answer', kind: 'Do', to: stop } as const] : []),
    { id: 'settings', words: 'Settings', kind: 'Go to', to: '/settings' },
    ...(['models', 'donate', 'network', 'credits', 'votes'] as const).map((page): Command => ({
      ...{ id: page, words: PAGE_NAMES[page], kind: 'Go to' },
      to: PAGES[page].path,
    })),
    ...THEMES.filter((one) => one !== theme).map((one): Command => ({
      ...{ id: `theme-${one}`, words: THEME_WORDS[one], kind: 'Do' },
      to: () => setTheme(one),
    })),
    { id: 'keys', words: 'Keyboard shortcuts', kind: 'Do', to: showKeys },
  ];
  const found = fixed.filter((one) => words.every((word) => fold(one.words).includes(word)));
  const shown = talks.slice(0, MOST_TALKS);
  return [
    ...found,
    ...shown.map(({ id, title }): Command => ({ id, words: title, kind: 'Conversation', to: talkPath(id) })),
  ];
}

/** Every key that does something, for who asks. */
export const SHORTCUTS: readonly { keys: string; does: string }[] = [
  { keys: 'Ctrl+K', does: 'Opens this list. On a Mac, Cmd takes the place of Ctrl.' },
  { keys: 'Enter', does: 'Sends what is in the box' },
  { keys: 'Shift+Enter', does: 'Begins a new line' },
  { keys: '/', does: 'In the empty box, calls a saved prompt' },
  { keys: 'Ctrl+Enter', does: 'Sends from any keyboard, and finishes an edit' },
  { keys: 'Esc', does: 'Stops the answer, leaves an edit, or closes what is open' },
  { keys: 'Ctrl+F', does: 'Finds in a long conversation; once more opens the browser’s own search' },
  { keys: 'Tab', does: 'Goes on to the next button; the arrow keys choose within a list' },
];
