/** Tells of an answer that has ended while nobody looks at the page: in the title of the tab, on the icon, and by the browser. */

const MARK = '● ';
let waiting = 0;

/** `title`: of its conversation. `notify`: the person lets the browser tell it. `open`: shows it. */
export async function tellEnded(title: string, notify: boolean, open: () => void): Promise<void> {
  waiting += 1;
  if (waiting === 1) {
    markTitle();
    document.addEventListener('visibilitychange', forget);
  }
  // Installed pages have an icon.
  await navigator.setAppBadge?.(waiting).catch(() => {
    // The mark in the title is there in any case.
  });
  if (!notify || !('Notification' in globalThis) || Notification.permission !== 'granted') return;
  const about = { body: title, icon: '/icon-192.png', tag: 'llmesh-answer' };
  try {
    const notice = new Notification('Your answer is ready', about);
    notice.onclick = () => {
      focus();
      open();
      notice.close();
    };
  } catch {
    // On phones only the service worker may.
    const registration = await navigator.serviceWorker?.getRegistration();
    await registration?.showNotification('Your answer is ready', about);
  }
}

function markTitle(): void {
  if (!document.title.startsWith(MARK)) document.title = MARK + document.title;
}

function forget(): void {
  if (document.hidden) return;
  waiting = 0;
  document.removeEventListener('visibilitychange', forget);
  if (document.title.startsWith(MARK)) document.title = document.title.slice(MARK.length);
  void navigator.clearAppBadge?.();
}
