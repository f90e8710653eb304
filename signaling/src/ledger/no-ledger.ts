/** The ledger of a mesh without credits: nothing is put aside, paid or written down. */
import { MeshError } from '@llmesh/core/base/errors';
import { PARAMETERS } from '@llmesh/core/governance/parameters';
import type { LedgerPort } from './ledger-port.ts';

const NONE = { free: 0, allowance: 0, held: 0, pending: 0, stake: 0, unbonding: 0 };

export const NO_LEDGER: LedgerPort = {
  mode: 'off',
  append: () => Promise.reject(new MeshError('order_refused', 'This mesh has no credits: everything is free here.')),
  spendable: () => 0,
  reserve: async () => false,
  account: () => ({ type: 'account', mode: 'off', ...NONE }),
  parameter: (name) => {
    const found = Object.entries(PARAMETERS).find(([known]) => known === name);
    if (found === undefined) throw new RangeError(`There is no parameter "${name}".`);
    return found[1].initial;
  },
  onAppended: () => () => {},
  onChanged: () => () => {},
};
