/** What the places of a mesh are called on the page, in its language. */
import type { PageName } from '@llmesh/core/wire/pages';

export const PAGE_NAMES: Readonly<Record<PageName, string>> = {
  chat: 'Chat',
  models: 'Models',
  donate: 'Donate',
  network: 'Network',
  credits: 'Credits',
  votes: 'Votes',
};
