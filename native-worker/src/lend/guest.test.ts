/** Real workers on a machine that gets short of memory: swap pressure is simulated, with files as /proc has them. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { ModelId } from '@llmesh/core/base/ids';
import { MachineFolder } from '../testing/machine-folder.ts';
import { programArgs } from '../../../scripts/programs.mjs';
import { Running } from '../testing/process.ts';
import { MeshOfProcesses } from '../testing/mesh-of-processes.ts';
import type { AnswerEvent } from '@llmesh/core/ask/answer';

const questions: { question: string; answer: string }[] = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../../models/tiny/questions.json', import.meta.url)), 'utf8'),
);
const longest = questions.reduce((a, b) => (b.answer.length > a.answer.length ? b : a));
const data = mkdtempSync(path.join(os.tmpdir(), 'llmesh-guest-'));
const calm = { 'proc/vmstat': 'pswpin 0\npswpout 0\npgmajfault 0' };
/** The counters of a computer in trouble: more than a gigabyte since the last look. */
let swapped = 0;
const swapping = () => ({ 'proc/vmstat': `pswpin ${(swapped += 1 << 20)}\npswpout ${swapped}\npgmajfault ${swapped}` });
const statusOf = (line: Record<string, unknown>) => line['status'] as Record<string, unknown> | undefined;
const pauseOf = (line: Record<string, unknown>) =>
  line['paused'] as { why: string; message: string } | null | undefined;

describe('llmesh worker on a machine in use', () => {
  const machines: MachineFolder[] = [];
  const mesh = MeshOfProcesses.forTests({ LLMESH_RELAY_LINKS: '0' }, () => {
    for (const machine of machines) machine.remove();
    rmSync(data, { recursive: true });
  });

  function lend(name: string, files: Record<string, string>, ...more: string[]) {
    const machine = new MachineFolder(files);
    machines.push(machine);
    const args = ['--threads', '1', '--gpu', 'off', '--json', '--calm', '1', '--data', path.join(data, name), ...more];
    const worker = new Running(
      [...programArgs('native-worker/src/main.ts'), 'worker', '--model', 'llmesh-tiny', '--mesh', mesh.url, ...args],
      { LLMESH_MACHINE_ROOT: machine.root },
    );
    mesh.started.push(worker);
    return { worker, machine };
  }

  it('hands over under simulated swap pressure, comes back when it is calm, and stops cleanly in both states', async () => {
    const lenders = [lend('a', calm, '--max-speed', '40'), lend('b', calm, '--max-speed', '40')];
    const ids = await Promise.all(
      lenders.map(async ({ worker }) => String((await worker.line((line) => line['ready'] === true))['peerId'])),
    );
    const events: AnswerEvent[] = [];
    let pressed = -1;
    let text = '';
    const turns = [{ role: 'user' as const, content: longest.question }];
    const request = {
      model: 'llmesh-tiny' as ModelId,
      turns,
      sampling: { temperature: 0 },
      maxTokens: 1024,
      only: null,
    };
    for await (const event of mesh.client.mesh.ask(request, new AbortController().signal)) {
      events.push(event);
      if (event.type !== 'piece') continue;
      text += event.text;
      if (pressed !== -1) continue;
      pressed = ids.findIndex((_, i) => lenders[i]!.worker.lines.some((line) => statusOf(line)?.['busySlots'] === 1));
      if (pressed !== -1) lenders[pressed]!.machine.write(swapping());
    }
    const { worker, machine } = lenders[pressed]!;
    const other = lenders[1 - pressed]!;
    expect(text).toBe(longest.answer);
    expect(events.at(-1)).toMatchObject({ type: 'done', summary: { provider: ids[1 - pressed] } });

    const paused = await worker.line((line) => pauseOf(line)?.why === 'memory');
    expect(pauseOf(paused)?.message).toContain('short of memory');
    await worker.line((line) => statusOf(line)?.['life'] === 'connected');
    // Nobody is at fault, so there is nothing to report.
    expect(worker.lines.filter((line) => 'error' in line)).toEqual([]);
    // The counters stand still, so the computer is calm.
    await worker.line((line) => pauseOf(line) === null);
    await expect.poll(() => mesh.client.control.offers?.models[0]?.providers, { timeout: 60_000 }).toBe(2);

    machine.write(swapping());
    await worker.line((line) => pauseOf(line)?.why === 'memory', worker.lines.indexOf(paused) + 1);
    worker.kill('SIGTERM');
    other.worker.kill('SIGTERM');
    expect(await Promise.all([worker.exited, other.worker.exited])).toEqual([0, 0]);
  });

  it('has a model in memory again before it is asked, when a burst of questions shows that it will be', async () => {
    const awake = lend('e', calm, '--slots', '2', '--max-speed', '20').worker;
    const resting = lend('f', calm, '--slots', '1', '--unload-after', '1', '--share', '50').worker;
    const ready = await Promise.all([awake, resting].map((worker) => worker.line((line) => line['ready'] === true)));
    const ids = ready.map((line) => line['peerId']);
    const model = 'llmesh-tiny' as ModelId;
    await resting.line((line) => line['model'] === model && line['loaded'] === false);
    await expect
      .poll(async () => (await (await fetch(`${mesh.url}/api/peers`)).text()).includes('wakesInMs'))
      .toBe(true);
    const ask = async () => {
      const stop = new AbortController();
      const turns = [{ role: 'user' as const, content: longest.question }];
      const request = { model, turns, sampling: { temperature: 0 }, maxTokens: 1024, only: null };
      const providers = new Set<unknown>();
      for await (const event of mesh.client.mesh.ask(request, stop.signal)) {
        if (event.type === 'provider') providers.add(event.candidate.peerId);
        if (resting.lines.some((line) => line['expected'] === true)) return providers;
      }
      return providers;
    };
    const asked = await Promise.all([ask(), ask()]);
    // Nobody asked the model that was loaded.
    expect(asked.map((providers) => [...providers])).toEqual([[ids[0]], [ids[0]]]);
    const expected = await resting.line((line) => line['expected'] === true);
    await resting.line((line) => line['loaded'] === true, resting.lines.indexOf(expected));
    await resting.line((line) => line['loaded'] === false, resting.lines.indexOf(expected));
    expect(resting.lines.filter((line) => 'error' in line || Number(statusOf(line)?.['answers'] ?? 0) > 0)).toEqual([]);
    for (const worker of [awake, resting]) worker.kill('SIGTERM');
    expect(await Promise.all([awake.exited, resting.exited])).toEqual([0, 0]);
  });

  it('outside its hours loads, offers nothing and says when it will; an unreadable --when is refused', async () => {
    const hour = (ahead: number) => `${String((new Date().getHours() + ahead) % 24).padStart(2, '0')}:00`;
    const { worker } = lend('c', calm, '--when', `${hour(2)}-${hour(3)}`);
    const wrong = lend('d', calm, '--when', 'at night');
    const line = await worker.line((one) => pauseOf(one)?.why === 'hours');
    expect(pauseOf(line)?.message).toContain(hour(2));
    worker.kill('SIGTERM');
    expect(await worker.exited).toBe(0);
    expect(worker.lines.some((one) => one['ready'] === true)).toBe(false);
    expect(await wrong.worker.exited).toBe(2);
    expect(wrong.worker.stderr).toContain('22:00-07:00');
  });
});
