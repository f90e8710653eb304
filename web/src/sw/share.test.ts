import { expect, it } from 'vitest';
import { sharedAddress, sharedIn } from './share.ts';

const form = (fields: Record<string, string>) => new Map(Object.entries(fields)) as unknown as FormData;
const through = (fields: Record<string, string>) => sharedIn(new URL(sharedAddress(form(fields)), 'http://mesh').hash);

it('what is shared comes through the address, title first, the link once, and no server is told', () => {
  expect(through({ title: 'Otters', text: 'They swim & dive. #1', url: 'https://a.example/?x=1' })).toBe(
    'Otters\nThey swim & dive. #1\nhttps://a.example/?x=1',
  );
  expect(through({ title: '', text: 'See https://a.example', url: 'https://a.example' })).toBe('See https://a.example');
  expect(through({ text: '👩‍👩‍👧 مرحبا' })).toBe('👩‍👩‍👧 مرحبا');
  expect(new URL(sharedAddress(form({ text: 'secret' })), 'http://mesh').href.split('#')[0]).toBe('http://mesh/');
});

it('what is too long is cut, and what nobody shared is nothing', () => {
  const long = through({ text: `${'x'.repeat(19_999)}👩` })!;
  expect(long).toBe('x'.repeat(19_999));
  expect([sharedIn(''), sharedIn('#other'), sharedIn('#share=%E0%A4%A')]).toEqual([null, null, null]);
});
