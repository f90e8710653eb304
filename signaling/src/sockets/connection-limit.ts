/** How many TCP connections one network may hold, whatever it does with them: slow requests cost a socket each. */
import type { Server } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { networksOf } from './address.ts';

/** A wide network may hold this many times as many as a narrow one. */
const WIDE = 4;

/** `refused` is called for each connection over the limit, which is cut without notice. */
export function limitConnections(server: Server, maxPerAddress: number, refused: () => void): void {
  const counts = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '' } = socket;
    // It is gone already.
    if (isIP(remoteAddress) === 0) return;
    const { narrow, wide } = networksOf(remoteAddress);
    const full = (network: string, most: number) => (counts.get(network) ?? 0) >= most;
    if (full(narrow, maxPerAddress) || full(wide, WIDE * maxPerAddress)) {
      refused();
      socket.destroy();
      return;
    }
    const change = (by: number) => {
      for (const network of [narrow, wide]) {
        const count = (counts.get(network) ?? 0) + by;
        if (count === 0) counts.delete(network);
        else counts.set(network, count);
      }
    };
    change(1);
    socket.once('close', () => change(-1));
  });
}
