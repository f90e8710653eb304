import { expect, it, vi } from 'vitest';
import { commandsFor, MOST_TALKS, type CommandNeeds } from './commands.ts';

const talk = (id: string, title: string) =>
  ({ id, title, pinned: false, updatedAt: 0, scope: 'device', waiting: false }) as const;
const needs = (some: Partial<CommandNeeds> = {}): CommandNeeds => ({
  talks: [talk('t1', 'Lamps')],
  running: false,
  stop: () => {},
  theme: 'light',
  setTheme: () => {},
  showKeys: () => {},
  ...some,
});
const words = (typed: string, some?: Partial<CommandNeeds>) => commandsFor(typed, needs(some)).map((one) => one.words);

it('finds commands by every word that was typed, before the conversations that were found', () => {
  expect(words('CONVERSATION new')).toEqual(['New conversation', 'Lamps']);
  expect(words('', { talks: [] })).toContain('Keyboard shortcuts');
  expect(words('no such thing', { talks: [] })).toEqual([]);
});

it('offers what can be done now', () => {
  expect([words('stop'), words('stop', { running: true })]).toEqual([['Lamps'], ['Stop the answer', 'Lamps']]);
  expect(words('colours', { talks: [] })).toEqual(['Colours as in the system', 'Dark colours']);
  const setTheme = vi.fn();
  const [dark] = commandsFor('dark', needs({ talks: [], setTheme }));
  if (typeof dark?.to === 'function') dark.to();
  expect(setTheme).toHaveBeenCalledWith('dark');
});

it('lists no more conversations than can be looked through', () => {
  const talks = Array.from({ length: 500 }, (_, i) => talk(`t${i}`, `Talk ${i}`));
  expect(commandsFor('talk', needs({ talks })).length).toBe(MOST_TALKS);
});
