import { expect, it } from 'vitest';
import { Emitter } from '../base/emitter.ts';
import type { ControlEvents } from './control.ts';
import { LogWitness, type CosignAnswer } from './log-witness.ts';

class Control extends Emitter<ControlEvents> {
  state = 'open' as const;
  readonly said: string[] = [];
  witness(size: number): void {
    this.said.push(`witness ${size}`);
  }
  cosign(size: number, line: string): void {
    this.said.push(`cosign ${size} ${line}`);
  }
  hear(size: number, from: number, final = false): void {
    const note = `log\n${size}\nroot\n\n— log c2ln\n`;
    this.emit('checkpoint', { type: 'checkpoint', note, from, proof: from === 0 ? [] : ['hash'], final });
  }
  open(): void {
    this.emit('state', 'open');
  }
}

function witness(answer: (request: string) => CosignAnswer | Promise<CosignAnswer>) {
  const control = new Control();
  const told: string[] = [];
  const started = new LogWitness(
    control,
    { size: () => Promise.resolve(5), add: async (request) => answer(request) },
    {
      signed: (size) => told.push(`signed ${size}`),
      refused: (status) => told.push(`refused ${status}`),
      failed: (error) => told.push(`failed ${String(error)}`),
    },
  );
  return { control, told, started };
}
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

it('says where it is, and signs what continues that', async () => {
  const requests: string[] = [];
  const { control, told } = witness((request) => {
    requests.push(request);
    return { status: 200, body: '— us c2ln\n' };
  });
  await settled();
  control.hear(7, 5);
  control.hear(7, 0, true);
  await settled();
  expect(control.said).toEqual(['witness 5', 'cosign 7 — us c2ln']);
  expect(requests).toEqual(['old 5\nhash\n\nlog\n7\nroot\n\n— log c2ln\n']);
  expect(told).toEqual(['signed 7']);
});

it('says once where it is when the log thinks it elsewhere, and again on the next connection', async () => {
  const { control, told } = witness(() => ({ status: 409, body: '6\n' }));
  await settled();
  for (const size of [7, 8]) {
    control.hear(size, 5);
    await settled();
  }
  expect(control.said).toEqual(['witness 5', 'witness 6']);
  control.open();
  await settled();
  expect(control.said.at(-1)).toBe('witness 5');
  expect(told).toEqual([]);
});

it.each([
  [422, ''],
  [409, '9\n'],
])('tells of a log with another past, or with less than it had: %s %s', async (status, body) => {
  const { control, told } = witness(() => ({ status, body }));
  for (const size of [7, 8]) {
    control.hear(size, 5);
    await settled();
  }
  expect(told).toEqual([`refused ${status}`]);
});

it('signs the newest of those that came meanwhile, survives a full disk, and nothing once it is closed', async () => {
  let fails = true;
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const { control, told, started } = witness(async () => {
    await held;
    if (fails) throw new Error('full');
    return { status: 200, body: '— us c2ln\n' };
  });
  control.hear(7, 5);
  control.hear(8, 5);
  control.hear(9, 5);
  release();
  await settled();
  expect(told).toEqual(['failed Error: full', 'failed Error: full']);
  fails = false;
  control.hear(10, 5);
  await settled();
  started.close();
  control.hear(11, 10);
  await settled();
  expect(told.slice(2)).toEqual(['signed 10']);
});
