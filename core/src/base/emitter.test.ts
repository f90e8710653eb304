import { expect, test } from 'vitest';
import { Emitter } from './emitter.ts';

class Bell extends Emitter<{ rang: [times: number] }> {
  ring(times: number): void {
    this.emit('rang', times);
  }
}

test('everybody who listens is told, in order, until they stop', () => {
  const bell = new Bell();
  const heard: string[] = [];
  const note = (times: number) => heard.push(`same ${times}`);
  const stops = [
    bell.on('rang', (times) => heard.push(`first ${times}`)),
    bell.on('rang', note),
    bell.on('rang', note),
  ];
  bell.ring(1);
  expect(heard.splice(0)).toEqual(['first 1', 'same 1', 'same 1']);
  stops[1]?.();
  bell.ring(2);
  expect(heard.splice(0)).toEqual(['first 2', 'same 2']);
  for (const stop of stops) stop();
  bell.ring(3);
  expect(heard).toEqual([]);
});

test('a listener that another one stops is not told any more', () => {
  const bell = new Bell();
  const heard: string[] = [];
  let stop = () => {};
  bell.on('rang', () => stop());
  stop = bell.on('rang', () => heard.push('late'));
  bell.ring(1);
  expect(heard).toEqual([]);
});
