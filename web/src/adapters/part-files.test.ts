import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PartError } from '../state/shell/part-error.ts';
import { loadPart } from './part-files.ts';

const SCRIPT = { headers: { 'Content-Type': 'text/javascript; charset=utf-8' } };
let asked: string[] = [];
let answer: (path: string) => Response = () => new Response('', SCRIPT);

beforeEach(() => {
  asked = [];
  vi.stubGlobal('fetch', async (url: URL) => {
    asked.push(url.pathname);
    return answer(url.pathname);
  });
});
afterEach(() => vi.unstubAllGlobals());

const failureOf = async (files: string[], load: () => Promise<unknown> = async () => 'run') =>
  loadPart(load, files).then(
    () => null,
    (error: PartError) => error.failure,
  );

test('each file of a part is fetched before the part is run, and none twice', async () => {
  answer = () => new Response('', SCRIPT);
  const run = vi.fn(async () => asked.length);
  expect(await loadPart(run, ['assets/a1.js', 'assets/shared1.js'])).toBe(2);
  await loadPart(run, ['assets/b1.js', 'assets/shared1.js']);
  expect(asked).toEqual(['/assets/a1.js', '/assets/shared1.js', '/assets/b1.js']);
});

test.each([
  ['no network', () => Promise.reject<Response>(new TypeError('no network')), 'away'],
  ['a busy server', () => new Response('', { status: 503, ...SCRIPT }), 'away'],
  ['a file that is gone', () => new Response('{}', { status: 404 }), 'updated'],
  [
    'the page in place of a file',
    () => new Response('<!doctype html>', { headers: { 'Content-Type': 'text/html' } }),
    'updated',
  ],
])('%s: nothing is run, and the next try may succeed', async (name, bad, failure) => {
  const file = `assets/${name.replaceAll(' ', '-')}.js`;
  const run = vi.fn(async () => 'run');
  answer = bad as typeof answer;
  expect(await failureOf([file], run)).toBe(failure);
  expect(run).not.toHaveBeenCalled();
  answer = () => new Response('', SCRIPT);
  expect(await failureOf([file], run)).toBe(null);
});

test('a part that is there and does not run is broken', async () => {
  answer = () => new Response('', SCRIPT);
  expect(await failureOf(['assets/c1.js'], () => Promise.reject(new SyntaxError('no module')))).toBe('broken');
});
