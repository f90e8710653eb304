/** The control plane as a process of its own, as in the product but for how many may come: more than 10,000. */
import { startControlPlane } from '@llmesh/signaling/server';

const plane = await startControlPlane({
  port: Number(process.argv[2]),
  host: '127.0.0.1',
  webFolder: import.meta.dirname,
  // Joining is not measured.
  joinWorkBits: 0,
  maxPeers: 15_000,
  networkFactor: 100,
});
process.once('SIGTERM', () => void plane.close().then(() => process.exit(0)));
process.on('SIGUSR2', () => {
  const { user, system } = process.cpuUsage();
  process.stdout.write(`${JSON.stringify({ cpuMs: (user + system) / 1000 })}\n`);
});
process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
