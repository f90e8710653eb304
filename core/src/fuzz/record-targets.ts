/** For the fuzzer: a signed record of any kind. */
import type { Identity, SigningDomain } from '../identity/identity.ts';
import { signRecord } from '../identity/signed-record.ts';
import { canonical } from '../wire/canonical.ts';
import type { FuzzTarget } from './fuzz.ts';

/** A record damaged as it is, and one whose body was damaged before it was signed. `again`: reads it and writes it again. */
export async function recordTargets(
  what: { name: string; domain: SigningDomain; signer: Identity },
  fields: readonly unknown[],
  whole: Uint8Array,
  again: (input: Uint8Array) => Promise<Uint8Array | null>,
): Promise<FuzzTarget[]> {
  const { name, domain, signer } = what;
  const run = async (input: Uint8Array) => {
    const written = await again(input);
    if (written === null) return false;
    if (written.join() !== input.join()) throw new Error('a record was accepted that is not written the one way');
    return true;
  };
  return [
    { name, weight: 1, seeds: [whole], run },
    {
      name: `${name}, rightly signed`,
      weight: 1,
      seeds: [canonical(fields)],
      values: [fields],
      write: (value) => canonical(value as readonly unknown[]),
      run: async (body) => run(await signRecord(domain, body, signer)),
    },
  ];
}
