/** Who may run a question: rings around the person, each wider than the one before. */
import * as v from 'valibot';

/** device: this computer only · trusted: volunteers on the person's own list · anyone who lends the model */
export const SCOPES = ['device', 'trusted', 'anyone'] as const;
export type Scope = (typeof SCOPES)[number];

/** A scope as kept. Before there was a choice it was anyone; an unreadable one counts as the narrowest. */
export const KeptScope = v.optional(v.fallback(v.picklist(SCOPES), 'device'), 'anyone');

/** May what was said within `said` be sent along within `asked`? Never to more people than it was meant for. */
export function mayReach(said: Scope, asked: Scope): boolean {
  return SCOPES.indexOf(asked) <= SCOPES.indexOf(said);
}
