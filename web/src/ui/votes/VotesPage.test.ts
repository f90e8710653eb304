import { newPeerId } from '@llmesh/core/base/ids';
import type { ProposalView } from '@llmesh/core/wire/credit-pages';
import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, describe, expect, it } from 'vitest';
import { ScriptedLedger, SPLIT, STAKE } from '../../testing/scripted-ledger.svelte.ts';
import { fieldOf, readField } from '@llmesh/core/ledger/parameter-field';
import { valueWords } from './parameter-words.ts';
import { standsAs } from './proposal-words.ts';
import VotesPage from './VotesPage.svelte';

const PROPOSAL: ProposalView = {
  ...{ index: 41, by: newPeerId(), parameter: 'split-host', from: 700, to: 725, state: 'open' },
  ...{ openedMs: 0, closesMs: 604_800_000, inForceMs: 777_600_000 },
  ...{ yes: 30, no: 10, abstain: 5, quorum: 100, ballots: 7 },
};

async function shown(ledger: ScriptedLedger): Promise<void> {
  render(VotesPage, { app: ledger.state });
  await ledger.settle();
  await tick();
}

const press = (name: string) => fireEvent.click(screen.getByRole('button', { name }));
const value = (name: RegExp, text: string) =>
  fireEvent.input(screen.getByRole('textbox', { name }), { target: { value: text } });

describe('the page about votes', () => {
  afterEach(cleanup);

  it('says what would change, how it stands, and takes a ballot that can be changed', async () => {
    const ledger = new ScriptedLedger();
    ledger.has({});
    Object.assign(ledger, { weight: 12, proposals: [PROPOSAL] });
    await shown(ledger);
    expect(
      screen.getByRole('heading', { name: 'What the volunteer gets of a payment: 72.5 % instead of 70 %' }),
    ).toBeTruthy();
    await press('Vote for it');
    expect(await screen.findByText(/You voted for it/)).toBeTruthy();
    await press('Abstain');
    expect(await screen.findByText(/You voted neither for nor against it/)).toBeTruthy();
    expect(ledger.given).toEqual([
      { kind: 'vote', proposal: 41, choice: 'yes' },
      { kind: 'vote', proposal: 41, choice: 'abstain' },
    ]);
  });

  it('offers no ballot to who has no vote, and says how one comes by it', async () => {
    const ledger = new ScriptedLedger();
    ledger.has({});
    ledger.proposals = [PROPOSAL];
    await shown(ledger);
    expect(screen.queryByRole('button', { name: 'Vote for it' })).toBeNull();
    expect(screen.getByText(/You have no vote yet/)).toBeTruthy();
  });

  it('holds a proposal to the bounds of its rule before anything is signed', async () => {
    const ledger = new ScriptedLedger();
    ledger.has({ free: 100_000_000 });
    await shown(ledger);
    for (const [text, says] of [
      ['a lot', /Write the new value in per cent/],
      ['70', /That is what it is already/],
      ['80', /anything from 67.5 % to 72.5 %/],
    ] as const) {
      await value(/New value/, text);
      await press('Propose…');
      expect(screen.getByRole('status', { name: /how it went/ }).textContent).toMatch(says);
    }
    ledger.has({ free: 99_000_000 });
    await value(/New value/, '72.5');
    await press('Propose…');
    expect(screen.getByText(/1 credit too few/)).toBeTruthy();
    ledger.has({ free: 100_000_000 });
    await press('Propose…');
    expect(screen.getByText(/Propose 72.5 % instead of 70 %.*puts 100 credits aside/)).toBeTruthy();
    await press('Propose it');
    expect(ledger.given).toEqual([{ kind: 'propose', parameter: 'split-host', value: 725 }]);
  });
});

describe('the words of votes', () => {
  it('tell and read values in the unit of their rule', () => {
    const hours = { unit: 'hours' };
    const price = { unit: 'micro-credits for 1,000 units' };
    expect([valueWords(SPLIT, 705), valueWords(STAKE, 1_500_000), valueWords(price, 100_000)]).toEqual([
      '70.5 %',
      '1.5 credits',
      '0.1 credits for 1,000 units',
    ]);
    for (const [unit, number] of [[SPLIT, 705] as const, [STAKE, 1_500_001] as const, [hours, 48] as const])
      expect(readField(unit, fieldOf(unit, number))).toBe(number);
    for (const text of ['', '70.55', '-1', '1e3', '.5']) expect(readField(SPLIT, text)).toBeNull();
    expect(readField(hours, '1.5')).toBeNull();
  });

  it('count no abstention as a no, and say what is missing of the quorum', () => {
    expect(standsAs(PROPOSAL)).toBe(
      '7 votes: 75 % for it, of the 60 % that it takes. 45 % of those who have to vote for it to count have done so.',
    );
    expect(standsAs({ ...PROPOSAL, yes: 0, no: 0, abstain: 0, ballots: 0 })).toBe('Nobody has voted yet.');
    expect(standsAs({ ...PROPOSAL, quorum: 40 })).toContain('Enough have voted.');
  });
});
