/** Since when nobody has used keyboard and pointer. */

/** Linux: reads `loginctl show-session --property=IdleHint --property=IdleSinceHint` (org.freedesktop.login1). */
export function linuxOwnerIdleMs(text: string | null, nowMs: number): number | null {
  if (text === null) return null;
  if (/^IdleHint=no$/m.test(text)) return 0;
  const sinceUs = /^IdleSinceHint=(\d+)$/m.exec(text)?.[1];
  if (!/^IdleHint=yes$/m.test(text) || sinceUs === undefined) return null;
  return Math.max(0, nowMs - Number(sinceUs) / 1000);
}

/** macOS: reads what `ioreg -c IOHIDSystem -d 4` prints. */
export function macOwnerIdleMs(text: string | null): number | null {
  const idleNs = /"HIDIdleTime" = (\d+)/.exec(text ?? '')?.[1];
  return idleNs === undefined ? null : Number(idleNs) / 1e6;
}
