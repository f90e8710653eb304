/** What the page says about who may run a question. */
import type { Scope } from '../../state/scope.ts';

export const SCOPE_NAMES: Readonly<Record<Scope, string>> = {
  device: 'This device only',
  trusted: 'Volunteers I trust',
  anyone: 'Anyone',
};

/** What each promises, in one line: who can read along, and who cannot. */
export const SCOPE_LINES: Readonly<Record<Scope, string>> = {
  device: 'Nothing you ask leaves this device.',
  trusted: 'Encrypted in transit. The server can’t read it; the volunteer you trust who answers can.',
  anyone: 'Encrypted in transit. The server can’t read it; the volunteer who answers can.',
};

/** What a lock stands for. */
export const SEAL = 'Encrypted between you and the volunteer. The server can’t read it.';
