/** Whether whoever pays for this connection pays by the byte, or asked their browser to save data. */

/** https://wicg.github.io/netinfo/: Chromium has it; other browsers say nothing. */
interface Connection {
  saveData?: boolean;
  type?: string;
}

export function isMetered(): boolean {
  const { connection } = navigator as { connection?: Connection };
  return connection?.saveData === true || connection?.type === 'cellular';
}
