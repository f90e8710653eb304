/** Where a key moves the active option; `undefined`: this key moves nothing. */
export function moved<Id>(key: string, ids: readonly Id[], active: Id | null): Id | undefined {
  const last = ids.length - 1;
  const at = active === null ? -1 : ids.indexOf(active);
  switch (key) {
    case 'ArrowDown':
      return ids[Math.min(at + 1, last)];
    case 'ArrowUp':
      return ids[Math.max(at - 1, 0)];
    case 'PageDown':
      return ids[Math.min(at + 10, last)];
    case 'PageUp':
      return ids[Math.max(at - 10, 0)];
    case 'Home':
      return ids[0];
    case 'End':
      return ids[last];
    default:
      return undefined;
  }
}
