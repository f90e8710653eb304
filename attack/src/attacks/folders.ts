/** What somebody can do who writes into a data folder, and what a wrong clock or a bad disk does. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '@llmesh/e2e/processes';
import { inWords, outcome, type Attack, type Scene } from '../attack.ts';
import { forgedFiling } from '../forged.ts';
import { Program } from '../program.ts';
import { model, Stranger } from '../stranger.ts';
import { Target, TINY_MODEL } from '../target.ts';

const MESH = { workers: 1, gateway: false };
const ENDS_WITHIN_MS = 12_000;

/** Starts a program on a folder that was tampered with; resolves with what it said, null when it neither spoke nor ended. */
async function startOn(target: Target, name: string, args: string[]): Promise<string | null> {
  const program = new Program(args, { name });
  target.others.push(program);
  const heard = await program
    .says((line) => line['ready'] === true || 'error' in line, ENDS_WITHIN_MS)
    .then(
      (line) => JSON.stringify(line),
      () => (program.alive ? null : program.stderr),
    );
  const ended = await program.stop();
  return ended === null ? null : heard;
}

async function controlPlane({ target }: Scene) {
  const facts: [boolean, string][] = [];
  const precious = join(target.folder, 'precious.txt');
  const tamper: Record<string, (folder: string) => void> = {
    'control.key as a FIFO': (folder) => execFileSync('mkfifo', ['-m', '600', join(folder, 'control.key')]),
    'control.key as a link': (folder) => symlinkSync(precious, join(folder, 'control.key')),
    'mesh.db as a link': (folder) => symlinkSync(precious, join(folder, 'mesh.db')),
    'mesh.db-wal as a link': (folder) => symlinkSync(precious, join(folder, 'mesh.db-wal')),
    'mesh.db as a FIFO': (folder) => execFileSync('mkfifo', ['-m', '600', join(folder, 'mesh.db')]),
    'mesh.db of noise': (folder) => writeFileSync(join(folder, 'mesh.db'), Buffer.alloc(30_000, 7)),
  };
  for (const [what, change] of Object.entries(tamper)) {
    const folder = join(target.folder, `tampered-${facts.length}`);
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(precious, 'precious', { mode: 0o644 });
    change(folder);
    const port = String(await freePort());
    const said = await startOn(target, what, ['signaling/src/main.ts', '--port', port, '--data', folder]);
    const kept = readFileSync(precious, 'utf8') === 'precious' && (statSync(precious).mode & 0o777) === 0o644;
    const refused = said !== null && !said.includes('"ready":true');
    facts.push([
      refused && kept,
      `${what}: ${said === null ? 'hangs' : refused ? 'refused' : 'taken'}${kept ? '' : ', and its target was changed'}`,
    ]);
  }
  return outcome(facts);
}

async function workerFolder({ target }: Scene) {
  const facts: [boolean, string][] = [];
  const precious = join(target.folder, 'precious.txt');
  const tamper: Record<string, (folder: string) => void> = {
    'receipts.jsonl.new as a link': (folder) => symlinkSync(precious, join(folder, 'receipts.jsonl.new')),
    'receipts.jsonl as a FIFO': (folder) => execFileSync('mkfifo', ['-m', '600', join(folder, 'receipts.jsonl')]),
    'identity.key as a FIFO': (folder) => execFileSync('mkfifo', ['-m', '600', join(folder, 'identity.key')]),
    'worker.json as a FIFO': (folder) => execFileSync('mkfifo', ['-m', '600', join(folder, 'worker.json')]),
    'checksums.json as a link': (folder) => symlinkSync(precious, join(folder, 'checksums.json')),
  };
  for (const [what, change] of Object.entries(tamper)) {
    const folder = join(target.folder, `worker-tampered-${facts.length}`);
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(precious, 'precious', { mode: 0o644 });
    change(folder);
    const args = ['worker', '--model', TINY_MODEL, '--mesh', target.url, '--on-battery', '--json', '--threads', '1'];
    const said = await startOn(target, what, ['native-worker/src/main.ts', ...args, '--data', folder]);
    const kept = readFileSync(precious, 'utf8') === 'precious';
    facts.push([
      said !== null && kept,
      `${what}: ${said === null ? 'hangs' : 'spoke'}${kept ? '' : ', and its target was changed'}`,
    ]);
  }
  return outcome(facts);
}

async function folderDeleted({ target }: Scene) {
  const provider = await Stranger.join(target);
  const requester = await Stranger.join(target);
  provider.lend([model('evil-model')], { slots: 8 });
  await sleep(500);
  const file = async () => requester.ask(await forgedFiling(provider, requester), 5_000);
  const before = await file();
  rmSync(target.dataFolder, { recursive: true, force: true });
  const after = [];
  for (let i = 0; i < 3; i += 1) {
    after.push(await file().catch(() => null));
    await sleep(500);
  }
  provider.close();
  requester.close();
  const lost = after.filter((answer) => answer?.['type'] === 'filed').length;
  return outcome([
    [before?.['type'] === 'filed', `before: ${inWords(before?.['type'])} ${inWords(before?.['message'] ?? '')}`.trim()],
    [lost === 0, `afterwards ${lost} of 3 are said to be filed`],
  ]);
}

/** Moves the clock of one process, by a script that is loaded before it: the machine's stays. */
async function clocks({ scale }: Scene) {
  const facts: [boolean, string][] = [];
  for (const hours of scale < 1 ? [1] : [1, -1, 24 * 365]) {
    const moved = `const now = Date.now; Date.now = () => now() + ${hours * 3_600_000};`;
    const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(moved)}` };
    const target = await Target.start({ workers: 1, gateway: false, env });
    try {
      const visitor = await Program.ready(['attack/src/visitor.ts', target.url], { name: 'visitor' });
      target.others.push(visitor);
      facts.push([true, `a control plane ${hours} h off: answered`]);
    } catch (error) {
      facts.push([false, `a control plane ${hours} h off: ${String(error).slice(0, 160)}`]);
    } finally {
      await target.stop();
    }
  }
  return outcome(facts);
}

export const folders: readonly Attack[] = [
  {
    name: 'FIFOs, links and noise in the control plane’s folder',
    before: 'start hangs, past SIGTERM; the target of a link is written and its mode changed',
    bound: 'only regular files are opened, links are not followed, the folder is 0700',
    mesh: MESH,
    quick: false,
    run: controlPlane,
  },
  {
    name: 'FIFOs and links in a worker’s folder',
    before: 'the target of a link is emptied',
    bound: 'only regular files are opened, links are not followed, the folder is 0700',
    mesh: MESH,
    quick: false,
    run: workerFolder,
  },
  {
    name: 'a data folder that is deleted under the control plane',
    before: '“filed” 3 of 3 times, lost at the end',
    bound: 'the folder is looked at before “filed” is said',
    mesh: MESH,
    quick: true,
    run: folderDeleted,
  },
  {
    name: 'a control plane whose clock is wrong',
    before: 'every question is refused: “Ask again”',
    bound: 'leases are judged by the server’s time',
    mesh: { workers: 0, gateway: false },
    quick: false,
    alone: true,
    run: clocks,
  },
];
