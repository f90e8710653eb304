/**
 * Memory that scripts get from a browser outside their heap, and that is collected late: V8 lets some 64 MB of it gather in each thread.
 * Detaching it with `transfer` does not help, as Chromium's own object still holds it; a message takes it along, and one that
 * nobody can get is gone at once (HTML, "message port post message steps").
 */
interface MessagePorts {
  MessageChannel: new () => { port1: Port; port2: Port };
}

interface Port {
  postMessage(message: null, transfer: ArrayBuffer[]): void;
  close(): void;
}

let nowhere: Port | null = null;

/** Gives a buffer's memory back at once; nobody may read it afterwards. */
export function freeBuffer(buffer: ArrayBuffer): void {
  nowhere ??= portToNowhere();
  nowhere.postMessage(null, [buffer]);
}

function portToNowhere(): Port {
  const { port1, port2 } = new (globalThis as unknown as MessagePorts).MessageChannel();
  port2.close();
  return port1;
}
