/**
 * The pages of a mesh. Each address leads to the same document, which looks at its own address: the control plane serves it there,
 * and the page shows what is named here.
 */
export const PAGES = {
  chat: { path: '/', title: 'Chat' },
  donate: { path: '/donate', title: 'Donate' },
  network: { path: '/network', title: 'Network' },
} as const;

export type PageName = keyof typeof PAGES;
export type PagePath = (typeof PAGES)[PageName]['path'];
