import { flushSync } from 'svelte';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PretendTalks } from '../../testing/pretend-talks.svelte.ts';
import { Router } from './router.svelte.ts';
import { TalkAddress } from './talk-address.svelte.ts';

/** jsdom's history is a real one, but `back` takes it a moment. */
async function back(): Promise<void> {
  const arrived = new Promise((resolve) => addEventListener('popstate', resolve, { once: true }));
  history.back();
  await arrived;
  await settled();
}
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) {
    flushSync();
    await Promise.resolve();
  }
}

let chat: PretendTalks;
let router: Router;
let address: TalkAddress;
let said: string[];
let stop: () => void = () => {};

async function openAt(path: string): Promise<void> {
  history.pushState(null, '', path);
  router = new Router(window);
  said = [];
  address = new TalkAddress({ router, chat, announce: (text) => said.push(text) });
  stop = await address.follow();
  await settled();
}
beforeEach(() => {
  chat = new PretendTalks();
  chat.kept.set('one', 2).set('two', 4);
});
afterEach(() => stop());
const now = () => [location.pathname, chat.open.id, address.unknown];

test('the conversation of the address is open before anything is shown', async () => {
  await openAt('/c/two');
  expect(now()).toEqual(['/c/two', 'two', false]);
  expect(said).toEqual([]);
});

test('Back and Forward go from one conversation to the other, and it is said which', async () => {
  await openAt('/c/one');
  router.follow('/c/two');
  await settled();
  expect(now()).toEqual(['/c/two', 'two', false]);
  router.go('/donate');
  await settled();
  await back();
  expect(now()).toEqual(['/c/two', 'two', false]);
  await back();
  expect(now()).toEqual(['/c/one', 'one', false]);
  expect(said).toEqual(['Opened “Talk two”.', 'Opened “Talk one”.']);
});

test('a first question gives a new conversation its address, which Back leaves at once', async () => {
  await openAt('/c/one');
  address.startNew();
  await settled();
  expect(now()).toEqual(['/', 'new2', false]);
  chat.ask();
  await settled();
  expect([now(), said]).toEqual([['/c/new2', 'new2', false], []]);
  await back();
  expect(now()).toEqual(['/c/one', 'one', false]);
});

test('a deleted conversation leaves a new one, and its address says that this browser does not have it', async () => {
  await openAt('/c/one');
  router.go('/c/two');
  await settled();
  chat.removeOpen();
  await settled();
  expect(now()).toEqual(['/', chat.open.id, false]);
  router.go('/c/two');
  await settled();
  expect([location.pathname, chat.open.turns.length, address.unknown]).toEqual(['/c/two', 0, true]);
  chat.ask();
  await settled();
  expect(now()).toEqual([`/c/${chat.open.id}`, chat.open.id, false]);
});

test('a conversation that is opened otherwise takes its address along', async () => {
  await openAt('/c/one');
  await chat.show('two');
  await settled();
  expect(now()).toEqual(['/c/two', 'two', false]);
  await back();
  expect(now()).toEqual(['/c/one', 'one', false]);
});

test('of several that are asked for while the first is read, the last is open', async () => {
  await openAt('/');
  let read = () => {};
  chat.reading = new Promise((resolve) => (read = resolve));
  router.go('/c/one');
  await settled();
  router.go('/c/two');
  router.go('/');
  read();
  await settled();
  await settled();
  expect([location.pathname, chat.open.turns.length]).toEqual(['/', 0]);
});

test('other pages leave what is open, and Chat leads back to it', async () => {
  await openAt('/c/one');
  router.go('/network');
  await settled();
  expect([chat.open.id, address.path]).toEqual(['one', '/c/one']);
  await chat.show('two');
  await settled();
  expect([location.pathname, address.path]).toEqual(['/network', '/c/two']);
});

test('/settings lies over Chat, and gives way to what is open', async () => {
  await openAt('/settings');
  expect([address.settings, address.unknown]).toEqual([true, false]);
  address.leaveSettings();
  await settled();
  expect([location.pathname, address.settings]).toEqual(['/', false]);
});
