import { describe, expect, it } from 'vitest';
import { softwareIdentity } from './identity.ts';
import { faultOf, newChallenge, proveKey } from './key-proof.ts';

const never = new AbortController().signal;
const owner = softwareIdentity(new Uint8Array(32).fill(1));
const thief = softwareIdentity(new Uint8Array(32).fill(2));

describe('a proof of key', () => {
  it.each([0, 6])('with %i bits of work is accepted', async (bits) => {
    const challenge = newChallenge(bits);
    expect(faultOf(owner.publicKey, challenge, await proveKey(owner, challenge, never))).toBeNull();
  });

  it('by another key, or for another nonce, is none', async () => {
    const challenge = newChallenge(0);
    expect(faultOf(owner.publicKey, challenge, await proveKey(thief, challenge, never))).toBe('signature');
    const other = await proveKey(owner, newChallenge(0), never);
    expect(faultOf(owner.publicKey, challenge, other)).toBe('signature');
  });

  it('in the name of another is none, even by the right key', async () => {
    const challenge = newChallenge(0);
    const renamed = await proveKey({ ...owner, peerId: thief.peerId }, challenge, never);
    expect(faultOf(owner.publicKey, challenge, renamed)).toBe('signature');
  });

  it('without the work is none', async () => {
    // 24 bits: no number that the test could guess.
    const challenge = newChallenge(24);
    const idle = await proveKey(owner, { ...challenge, workBits: 0 }, never);
    expect(faultOf(owner.publicKey, challenge, idle)).toBe('work');
  });

  it('is not made for a server that asks for too much, nor after the end', async () => {
    await expect(proveKey(owner, newChallenge(25), never)).rejects.toMatchObject({ code: 'bad_message' });
    const nothing = { ...newChallenge(0), nonce: 'b'.repeat(52) };
    await expect(proveKey(owner, nothing, never)).rejects.toMatchObject({ code: 'bad_message' });
    await expect(proveKey(owner, newChallenge(0), AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
  });
});
