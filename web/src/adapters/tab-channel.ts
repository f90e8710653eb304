/** What this page tells the other tabs of this browser that show it. */
import type { TabChannel } from '../state/chat/kept/live-answers.ts';

export function openTabChannel(name: string): TabChannel {
  const channel = new BroadcastChannel(name);
  return {
    tell: (message) => channel.postMessage(message),
    hear: (take) => channel.addEventListener('message', ({ data }) => take(data)),
  };
}
