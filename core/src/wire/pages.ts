/**
 * The pages of a mesh. The control plane serves the same document at each of these addresses, and the document looks at
 * its own address to show the page that is named here.
 */
export const PAGES = {
  chat: { path: '/', title: 'Chat' },
  donate: { path: '/donate', title: 'Donate' },
  network: { path: '/network', title: 'Network' },
} as const;

export type PageName = keyof typeof PAGES;
export type PagePath = (typeof PAGES)[PageName]['path'];
