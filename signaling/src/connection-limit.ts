/** How many TCP connections one address may hold, whatever it does with them: slow requests cost a socket each. */
import type { Server } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { networkOf } from './address.ts';

/** `refused` is told of each connection over the limit, which is cut without a word. */
export function limitConnections(server: Server, maxPerAddress: number, refused: () => void): void {
  const counts = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '' } = socket;
    // Gone already.
    if (isIP(remoteAddress) === 0) return;
    const address = networkOf(remoteAddress);
    const count = counts.get(address) ?? 0;
    if (count >= maxPerAddress) {
      refused();
      socket.destroy();
      return;
    }
    counts.set(address, count + 1);
    socket.once('close', () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left === 0) counts.delete(address);
      else counts.set(address, left);
    });
  });
}
