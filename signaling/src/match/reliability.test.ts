import { expect, test } from 'vitest';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { offerKey } from '@llmesh/core/policy/offer-key';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { GONE_MS } from '../registry/registry.ts';
import { MAX_REMEMBERED, Reliability } from './reliability.ts';

const offer = offerKey({ model: 'm' as ModelId });
/** Each from elsewhere, unless a test is about just that. */
const elsewhere = (i: number) => ({ requester: newPeerId(), network: `10.${i >> 8}.${i & 255}.1` });
const HOUR_MS = 3_600_000;

function setUp() {
  const clock = new ManualClock();
  return { clock, reliability: new Reliability(clock), peer: newPeerId() };
}

test('what was brought to its end speaks for a provider, vanishing at work against it, and both fade', () => {
  const { clock, reliability, peer } = setUp();
  const newcomer = reliability.of(peer);
  expect(newcomer).toBe(0.9);
  for (let i = 0; i < 30; i++) reliability.finished(peer, { offer, units: 10, ms: 100 }, elsewhere(i));
  const proven = reliability.of(peer);
  expect(proven).toBeGreaterThan(0.95);
  reliability.failed(peer, 5);
  expect(reliability.of(peer)).toBeLessThan(newcomer);
  clock.turn(100 * HOUR_MS);
  expect(reliability.of(peer)).toBeCloseTo(newcomer, 3);
});

test('good deeds without end do not buy a free fall', () => {
  const { reliability, peer } = setUp();
  for (let i = 0; i < 10_000; i++) reliability.finished(peer, { offer, units: 10, ms: 100 }, elsewhere(i));
  const before = reliability.of(peer);
  for (let i = 0; i < 10; i++) reliability.failed(peer, 8);
  expect(before - reliability.of(peer)).toBeGreaterThan(0.2);
});

test('two who agree do not get far, nor does one who is many, nor a network of them', () => {
  const answer = { offer, units: 10, ms: 100 };
  const { reliability, peer } = setUp();
  const friend = { requester: newPeerId(), network: '198.51.100.7' };
  for (let i = 0; i < 1_000; i++) reliability.finished(peer, answer, friend);
  expect(reliability.of(peer)).toBeLessThan(0.95);
  for (let i = 0; i < 1_000; i++) reliability.finished(peer, answer, { ...friend, requester: newPeerId() });
  expect(reliability.of(peer)).toBeLessThan(0.965);
  for (let i = 0; i < 1_000; i++) {
    reliability.finished(peer, answer, { requester: newPeerId(), network: `198.51.100.${i % 256}` });
  }
  const friends = reliability.of(peer);
  expect(friends).toBeLessThan(0.98);
  for (let i = 0; i < 200; i++) reliability.finished(peer, answer, elsewhere(i));
  expect(reliability.of(peer)).toBeGreaterThan(friends);
});

test('whoever is asked by one alone makes good what it lost, and only with many answers', () => {
  const { reliability, peer } = setUp();
  const from = { requester: newPeerId(), network: '192.0.2.1' };
  const answers = (count: number) => {
    for (let i = 0; i < count; i++) reliability.finished(peer, { offer, units: 10, ms: 100 }, from);
  };
  answers(20);
  const before = reliability.of(peer);
  reliability.failed(peer, 8);
  const after = reliability.of(peer);
  expect(after).toBeLessThan(before);
  answers(5);
  expect(reliability.of(peer) - after).toBeLessThan((before - after) / 5);
  answers(200);
  expect(before - reliability.of(peer)).toBeLessThan(0.01);
});

test('a connection that was lost is no fault when its tasks are still there', () => {
  const { clock, reliability, peer } = setUp();
  reliability.vanished(peer, 2);
  expect(reliability.of(peer)).toBe(0.9);
  clock.turn(1_000);
  reliability.returned(peer, 2);
  expect(reliability.of(peer)).toBe(0.9);
  reliability.vanished(peer, 2);
  reliability.returned(peer, 0);
  const once = reliability.of(peer);
  expect(once).toBeLessThan(0.9);
  reliability.returned(peer, 0);
  expect(reliability.of(peer)).toBe(once);
  reliability.vanished(peer, 2);
  clock.turn(GONE_MS);
  reliability.returned(peer, 2);
  expect(reliability.of(peer)).toBeLessThan(once);
  const idle = newPeerId();
  reliability.vanished(idle, 0);
  reliability.returned(idle, 0);
  expect(reliability.of(idle)).toBe(0.9);
});

test('a speed counts as advertised, unless receipts say far less, and more than once', () => {
  const { reliability, peer } = setUp();
  const finish = (tokensPerSecond: number) =>
    reliability.finished(peer, { offer, units: 100, ms: 100_000 / tokensPerSecond }, elsewhere(0));
  finish(10);
  finish(10);
  expect(reliability.speed(peer, offer, 500)).toBe(500);
  finish(10);
  expect(reliability.speed(peer, offer, 500)).toBeCloseTo(10);
  expect(reliability.speed(peer, offer, 15)).toBe(15);
  expect(reliability.speed(peer, offer, 3)).toBe(3);
  expect(reliability.speed(peer, offer, null)).toBe(null);
  expect(reliability.speed(peer, offerKey({ model: 'other' as ModelId }), 500)).toBe(500);
  for (let i = 0; i < 30; i++) finish(400);
  expect(reliability.speed(peer, offer, 500)).toBe(500);
});

test('an answer of no tokens, or too short to tell, says nothing', () => {
  const { reliability, peer } = setUp();
  reliability.finished(peer, { offer, units: 0, ms: 100 }, elsewhere(0));
  expect(reliability.size).toBe(0);
  for (let i = 0; i < 9; i++) reliability.finished(peer, { offer, units: 5, ms: 100_000 }, elsewhere(i));
  for (let i = 0; i < 9; i++) reliability.finished(peer, { offer, units: 500, ms: 0 }, elsewhere(i));
  expect(reliability.speed(peer, offer, 500)).toBe(500);
});

test('remembers so many, those seen last', () => {
  const { reliability, peer } = setUp();
  reliability.failed(peer, 8);
  const later = newPeerId();
  reliability.failed(later, 8);
  reliability.failed(peer, 8);
  for (let i = 0; i < MAX_REMEMBERED - 1; i++) reliability.failed(newPeerId(), 1);
  expect(reliability.size).toBe(MAX_REMEMBERED);
  expect(reliability.of(later)).toBe(0.9);
  expect(reliability.of(peer)).toBeLessThan(0.9);
});
