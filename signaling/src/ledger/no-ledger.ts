/** The ledger of a mesh without credits: nothing is put aside, paid or written down. */
import { MeshError } from '@llmesh/core/base/errors';
import { CurrentParameters } from './current-parameters.ts';
import type { LedgerPort } from './ledger-port.ts';

const NONE = { free: 0, allowance: 0, held: 0, pending: 0, stake: 0, unbonding: 0 };
/** Nobody votes here. */
const INITIAL = new CurrentParameters();

export const NO_LEDGER: LedgerPort = {
  mode: 'off',
  append: () => Promise.reject(new MeshError('order_refused', 'This mesh has no credits: everything is free here.')),
  spendable: () => 0,
  reserve: async () => false,
  account: () => ({ type: 'account', mode: 'off', ...NONE }),
  parameter: (name) => INITIAL.value(name),
  onAppended: () => () => {},
  onChanged: () => () => {},
};
