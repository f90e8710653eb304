/** A web site whose own name points at this computer. */
import { request } from 'node:http';
import { WebSocket } from 'ws';
import { outcome, type Attack, type Scene } from '../attack.ts';

const MESH = { workers: 1, gateway: true };
const PAGES = [
  '/',
  '/chat',
  '/healthz',
  '/metrics',
  '/api/peers',
  '/api/models',
  '/api/stats',
  '/v1/models',
  '/models/catalogue.json',
];
const SOCKETS = ['/mesh', '/signal/peerjs?key=peerjs&id=a&token=b', '/relay'];
const NAMES = [
  'evil.example',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'localhost@evil.example',
  'LOCALHOST.evil.example.',
  'mesh.example.evil.example',
];

function status(port: number, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, headers, setHost: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Resolves with the status that refused it, 101 when it was let in, 0 when the connection was cut. */
function upgrade(port: number, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on('error', () => resolve(0));
  });
}

async function rebinding({ target }: Scene) {
  const { port } = target;
  const open: string[] = [];
  for (const name of NAMES) {
    const host = `${name}:${port}`;
    for (const path of PAGES) {
      const code = await status(port, path, { host, origin: `http://${host}` });
      if (code < 400) open.push(`${name}${path}: ${code}`);
    }
    for (const path of SOCKETS) {
      const code = await upgrade(port, path, { host, origin: `http://${host}` });
      if (code === 101) open.push(`${name}${path}: let in`);
    }
  }
  const own = await status(port, '/api/stats', { host: `localhost:${port}` });
  const named = await status(port, '/healthz', { host: `127.0.0.1:${port}` });
  return outcome([
    [
      open.length === 0,
      `${NAMES.length} names at ${PAGES.length + SOCKETS.length} doors refused ${open.slice(0, 4).join(', ')}`.trim(),
    ],
    [own === 200 && named === 200, 'localhost and 127.0.0.1 are let in'],
  ]);
}

async function hostTakenOut({ target }: Scene) {
  const headers = { host: `127.0.0.1:${target.port}`, connection: 'host' };
  const code = await status(target.port, '/v1/models', headers);
  const foreign = await status(target.port, '/v1/models', { host: 'evil.example', connection: 'host' });
  const none = await status(target.port, '/v1/models', { connection: 'close' });
  return outcome([
    [code === 200 || code >= 400, `own name: HTTP ${code}`],
    [foreign >= 400, `foreign name: HTTP ${foreign}`],
    [none >= 400, `no name: HTTP ${none}`],
  ]);
}

const DOOR = 'one guard before everything: on loopback only its own names and LLMESH_HOSTS';
export const doors: readonly Attack[] = [
  {
    name: 'a web site whose name rebinds to this computer',
    before: 'joins the mesh as a provider, is first in 30 of 30 matches, reads everything',
    bound: DOOR,
    mesh: MESH,
    quick: true,
    run: rebinding,
  },
  {
    name: 'the same, where the mesh knows its name',
    before: 'let in as well',
    bound: DOOR,
    mesh: { ...MESH, env: { LLMESH_HOSTS: 'mesh.example' } },
    quick: false,
    run: rebinding,
  },
  {
    name: 'a request that has its Host taken out on the way',
    before: '200: past the check of the name',
    bound: 'Host is never taken out',
    mesh: MESH,
    quick: true,
    run: hostTakenOut,
  },
];
