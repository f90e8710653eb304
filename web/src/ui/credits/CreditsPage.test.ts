import { MeshError } from '@llmesh/core/base/errors';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { softwareIdentity } from '@llmesh/core/identity/identity';
import { exportKey } from '@llmesh/core/identity/key-export';
import { peerName } from '@llmesh/core/identity/names';
import { cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openVault } from '../../adapters/identity/browser-vault.ts';
import { newSeed } from '../../adapters/identity/identity-keys.ts';
import type { IdentityVault } from '../../state/identity/identity-vault.ts';
import { ScriptedLedger } from '../../testing/scripted-ledger.svelte.ts';
import { StandInIndexedDb } from '../../testing/stand-in-indexed-db.ts';
import CreditsPage from './CreditsPage.svelte';

const other = newPeerId();
/** For what a passphrase takes on a busy computer. */
const PATIENT = { timeout: 20_000 };
const LEASE = 'a'.repeat(26);

async function shown(ledger: ScriptedLedger): Promise<void> {
  render(CreditsPage, { app: ledger.state });
  await ledger.settle();
  await tick();
}

const region = (name: string) => screen.getByRole('region', { name }).textContent.replaceAll(/\s+/g, ' ');
const press = (name: string) => fireEvent.click(screen.getByRole('button', { name }));
const type = (name: string, value: string) =>
  fireEvent.input(screen.getByRole('textbox', { name }), { target: { value } });

describe('the page about credits', () => {
  afterEach(cleanup);

  it('shows nothing of all this where there are none', async () => {
    const ledger = new ScriptedLedger();
    ledger.has({}, 'off');
    await shown(ledger);
    expect(screen.getByText(/This mesh uses no credits/)).toBeTruthy();
    expect(screen.queryByRole('form')).toBeNull();
  });

  it('tells what may be spent, and every part of what there is, and to the last digit who looks closer', async () => {
    const ledger = new ScriptedLedger();
    ledger.has({ free: 2_000_001, pending: 500_000, held: 400_000, allowance: 50_000 });
    await shown(ledger);
    expect(region('Credits')).toContain('You can spend 1.55 of 2.45 credits in all, and have earned 0.83 so far');
    const have = region('What you have');
    for (const part of [
      'Available 1.5',
      'Exactly 1.500001 credits.',
      'Held 0.4',
      'Pending 0.5',
      'Newcomer’s allowance 0.05',
    ])
      expect(have).toContain(part);
    expect(have).not.toContain('Staked');
    expect(region('The ledger')).toContain('Not final yet 10, 2.1 s so far');
  });

  it('names each change, what it was for, and where the payment went', async () => {
    const ledger = new ScriptedLedger();
    ledger.has({});
    const about = { ms: 0, other, lease: LEASE, model: 'qwen' as ModelId, units: 312, why: '', final: true };
    ledger.postings = [
      { ...about, index: 9, account: 'held', amount: -31_200, reason: 'paid' },
      { ...about, index: 9, account: 'held', amount: -68_800, reason: 'refunded' },
      { ...about, index: 9, account: 'free', amount: 68_800, reason: 'refunded' },
    ];
    ledger.pages[`/api/receipt?lease=${LEASE}`] = {
      ...{ index: 9, ms: 0, requester: ledger.self, provider: other, task: 'chat', model: 'qwen', units: 312 },
      ...{ price: 100_000, priceVersion: 1, paid: 31_200, toProvider: 21_840, toAuditors: 6_240, toTreasury: 3_120 },
      ...{ taskReward: 1_560, kind: 'receipt', final: true },
    };
    await shown(ledger);
    const row = screen.getByText(/Paid for an answer/).closest('details')!;
    expect(row.textContent).toContain('−0.0312');
    row.open = true;
    await fireEvent(row, new Event('toggle'));
    await ledger.settle();
    await tick();
    const facts = row.textContent.replaceAll(/\s+/g, ' ');
    for (const fact of [
      'Held −0.0688, came back',
      `${peerName(other)} wrote it with qwen`,
      '312 units at 0.1 credits for 1,000: 0.0312 credits.',
      'To the volunteer 0.02184 70 %',
      'To those who check answers 0.00624 20 %',
      'To the treasury of the mesh 0.00312 10 %',
      'The mesh gave the volunteer 0.00156 credits besides.',
    ])
      expect(facts).toContain(fact);
    const proof = within(row).getByRole('link', { name: 'Download the proof' });
    expect(proof.getAttribute('href')).toBe('/api/proof?index=9');
  });

  it('tells what happened while one was on another page', async () => {
    const ledger = new ScriptedLedger();
    ledger.has({});
    await shown(ledger);
    expect(region('What happened')).toContain('Nothing yet');
    cleanup();
    const about = { other: null, lease: null, model: null, units: null, why: '', final: true };
    ledger.postings = [{ ...about, index: 4, ms: 0, account: 'allowance', amount: 5_000_000, reason: 'allowance' }];
    await shown(ledger);
    expect(region('What happened')).toContain('Newcomer’s allowance');
  });

  it('asks before it sends anything, and says what is wrong with what was written', async () => {
    const ledger = new ScriptedLedger();
    ledger.has({ free: 1_000_000, pending: 250_000 });
    await shown(ledger);
    await press('Send…');
    expect(screen.getByText(/Paste the whole id/)).toBeTruthy();
    await type('To', ` ${other.slice(0, 16)} ${other.slice(16).toUpperCase()}`);
    const credits = within(screen.getByRole('form', { name: 'Send credits' })).getByRole('textbox', {
      name: 'Credits',
    });
    await fireEvent.input(credits, { target: { value: '1' } });
    await press('Send…');
    expect(screen.getByText(/you have 0.75 credits to send, 0.25 credits too few/)).toBeTruthy();
    await fireEvent.input(credits, { target: { value: '0.5' } });
    await press('Send…');
    expect(ledger.given).toEqual([]);
    expect(screen.getByText(new RegExp(`Send 0.5 credits to ${peerName(other)}`))).toBeTruthy();

    ledger.refusal = new MeshError('order_refused', 'Nobody can send so soon after joining. Try again tomorrow.');
    await press('Send them');
    expect((await screen.findByRole('alert')).textContent).toBe(ledger.refusal.message);
    ledger.refusal = null;
    await press('Send them');
    expect(await screen.findByText(/Sent\. They can be spent there/)).toBeTruthy();
    expect(ledger.given).toEqual([
      { kind: 'transfer', to: other, amount: 500_000 },
      { kind: 'transfer', to: other, amount: 500_000 },
    ]);
  });

  it('brings an identity here, and says what is wrong with a file, a text or a passphrase', async () => {
    const ledger = new ScriptedLedger();
    ledger.has({ free: 1_000_000 });
    const restart = vi.fn();
    const store = new StandInIndexedDb();
    const ours = newSeed();
    const self = softwareIdentity(ours).peerId;
    await store.set([['identity', ours]]);
    const vault = await openVault({ store, subtle: crypto.subtle, self });
    ledger.state.openIdentities = async () => ({ vault, orders: ledger.orders, restart });
    const seed = newSeed();
    const { signal } = new AbortController();
    const text = await exportKey(seed, 'correct horse', { signal, log2N: 10 });
    await shown(ledger);
    const says = () => screen.getByRole('status', { name: 'Bringing it here' }).textContent.trim();
    const open = () => press('Open it…');
    const choose = (name: string, bytes: number) =>
      fireEvent.change(screen.getByLabelText('Its file'), {
        target: { files: [new File([new Uint8Array(bytes)], name)] },
      });
    await open();
    expect(says()).toContain('Choose the file');
    await choose('film.mkv', 70_000);
    expect(says()).toContain('too large to be a key');
    await choose('empty.key', 0);
    expect(says()).toContain('empty');
    await type('Or what is in it', text.slice(0, 40));
    await open();
    expect(says()).toContain('Type its passphrase');
    const passphrase = screen.getByLabelText('Its passphrase');
    await fireEvent.input(passphrase, { target: { value: 'wrong horse' } });
    await open();
    await waitFor(() => expect(says()).toContain('incomplete'), PATIENT);
    await type('Or what is in it', text);
    await open();
    await waitFor(() => expect(says()).toContain('does not open this key'), PATIENT);
    await fireEvent.input(passphrase, { target: { value: 'correct horse' } });
    await open();
    const { peerId } = softwareIdentity(seed);
    expect(await screen.findByText(new RegExp(peerName(peerId)), {}, PATIENT)).toBeTruthy();
    await press('Use it here');
    await waitFor(() => expect(restart).toHaveBeenCalledOnce(), PATIENT);
    expect((await openVault({ store, subtle: crypto.subtle, self: peerId })).former).toEqual([self]);
  });

  it('makes an identity with a file, and sends along what can be sent once the file is saved', async () => {
    const ledger = new ScriptedLedger();
    ledger.has({ free: 1_000_000, pending: 250_000, allowance: 5 });
    const restart = vi.fn();
    const [peer, text] = [newPeerId(), 'llmesh-key-1:abc'];
    const vault: IdentityVault = {
      ...{ carried: false, former: [] },
      make: async () => ({ peer, text }),
      unlock: () => Promise.reject(new Error('Nobody asked for that.')),
      become: async (_peer, last) => last(),
    };
    ledger.state.openIdentities = async () => ({ vault, orders: ledger.orders, restart });
    await shown(ledger);
    const says = () => screen.getByRole('status', { name: 'Taking it along' }).textContent.trim();
    await fireEvent.input(screen.getByLabelText('Passphrase'), { target: { value: 'correct horse' } });
    await press('Make it…');
    expect(says()).toContain('two different passphrases');
    await fireEvent.input(screen.getByLabelText('The same again'), { target: { value: 'correct horse' } });
    await press('Make it…');
    await press('Show it as a QR code');
    expect(await screen.findByRole('img', { name: 'QR code of the locked key' }, PATIENT)).toBeTruthy();
    await press('Hide the QR code');
    expect(screen.queryByRole('img', { name: 'QR code of the locked key' })).toBeNull();
    await press('Use it from now on');
    expect(says()).toContain('Save the file first');
    vi.stubGlobal('URL', Object.assign(URL, { createObjectURL: () => 'blob:', revokeObjectURL() {} }));
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => {});
    await press('Save the file');
    ledger.refusal = new MeshError('rate_limited', 'Too many orders at once. Try again in a minute.');
    await press('Use it from now on');
    await waitFor(() => expect(says()).toBe(ledger.refusal?.message));
    expect(restart).not.toHaveBeenCalled();
    ledger.refusal = null;
    await press('Use it from now on');
    await waitFor(() => expect(restart).toHaveBeenCalledOnce(), PATIENT);
    expect(ledger.given.at(-1)).toEqual({ kind: 'transfer', to: peer, amount: 750_000 });
  });

  it('names nobody who did not say so, and lets them leave', async () => {
    const ledger = new ScriptedLedger();
    ledger.has({});
    ledger.alias = 'The otter';
    await shown(ledger);
    expect(region('Who gave most')).toMatch(/The otter.\(you\)/);
    await press('Leave the list…');
    await press('Leave it');
    await screen.findByText(/It is in the ledger/);
    expect(ledger.given).toEqual([{ kind: 'alias', alias: null }]);
    await type('You are “The otter”. Another name', 'a\u202eb');
    await press('Join the list…');
    expect(screen.getByText(/characters in it that nobody can see/)).toBeTruthy();
  });
});
