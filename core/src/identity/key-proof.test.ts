import { describe, expect, it } from 'vitest';
import { softwareIdentity } from './identity.ts';
import { faultOf, newChallenge, proveKey } from './key-proof.ts';

const never = new AbortController().signal;
const HOST = 'mesh.example:7070';
const owner = softwareIdentity(new Uint8Array(32).fill(1));
const thief = softwareIdentity(new Uint8Array(32).fill(2));

describe('a proof of key', () => {
  it.each([0, 6])('with %i bits of work is accepted', async (bits) => {
    const challenge = newChallenge(bits);
    expect(faultOf(owner.publicKey, challenge, await proveKey(owner, challenge, HOST, never), [HOST])).toBeNull();
  });

  it('by another key, or for another nonce, is invalid', async () => {
    const challenge = newChallenge(0);
    expect(faultOf(owner.publicKey, challenge, await proveKey(thief, challenge, HOST, never), [HOST])).toBe(
      'signature',
    );
    const other = await proveKey(owner, newChallenge(0), HOST, never);
    expect(faultOf(owner.publicKey, challenge, other, [HOST])).toBe('signature');
  });

  it('in the name of another is invalid, even by the right key', async () => {
    const challenge = newChallenge(0);
    const renamed = await proveKey({ ...owner, peerId: thief.peerId }, challenge, HOST, never);
    expect(faultOf(owner.publicKey, challenge, renamed, [HOST])).toBe('signature');
  });

  it('for another host is invalid', async () => {
    const challenge = newChallenge(0);
    const proof = await proveKey(owner, challenge, HOST, never);
    expect(faultOf(owner.publicKey, challenge, proof, ['mesh.example', HOST])).toBeNull();
    for (const hosts of [[], ['mesh.example'], ['evil.example:7070'], ['mesh.example:70'], ['xmesh.example:7070']])
      expect(faultOf(owner.publicKey, challenge, proof, hosts)).toBe('signature');
  });

  it('without the work is invalid', async () => {
    // The test could not guess a number for 24 bits.
    const challenge = newChallenge(24);
    const idle = await proveKey(owner, { ...challenge, workBits: 0 }, HOST, never);
    expect(faultOf(owner.publicKey, challenge, idle, [HOST])).toBe('work');
  });

  it('is not made for a server that asks for too much, nor after the end', async () => {
    await expect(proveKey(owner, newChallenge(25), HOST, never)).rejects.toMatchObject({ code: 'work_refused' });
    const nothing = { ...newChallenge(0), nonce: 'b'.repeat(52) };
    await expect(proveKey(owner, nothing, HOST, never)).rejects.toMatchObject({ code: 'bad_message' });
    await expect(proveKey(owner, newChallenge(0), HOST, AbortSignal.abort())).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});
