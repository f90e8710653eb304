import { describe, expect, it } from 'vitest';
import { ManualClock } from '@llmesh/core/testing/manual-clock';
import { KeptResponses, type KeptResponse } from './kept-responses.ts';

const MINUTE_MS = 60_000;

function response(id: string, chars = 1): KeptResponse {
  const item = { id: `msg_${id}`, type: 'message', role: 'assistant', content: [] };
  const conversation = [{ role: 'user', content: 'x'.repeat(chars) }];
  return { response: { id, output: [item] } as never, input: [], conversation };
}

describe('a kept response', () => {
  it('is there for its caller, with its items, and for nobody else', () => {
    const kept = new KeptResponses(new ManualClock());
    kept.keep('key a', response('resp_1'));
    expect(kept.find('key a', 'resp_1').conversation).toHaveLength(1);
    expect(kept.earlier('key a').item('msg_resp_1')).toMatchObject({ id: 'msg_resp_1' });
    expect(kept.earlier('key b').item('msg_resp_1')).toBeNull();
    expect(() => kept.find('key b', 'resp_1')).toThrow(expect.objectContaining({ status: 404 }));
    expect(() => kept.remove('key b', 'resp_1')).toThrow(expect.objectContaining({ status: 404 }));
    expect(() => kept.earlier('key b').conversation('resp_1')).toThrow(expect.objectContaining({ status: 400 }));
    expect(kept.find('key a', 'resp_1').response.id).toBe('resp_1');
  });

  it('is forgotten after an hour, whether or not anybody asks', async () => {
    const clock = new ManualClock();
    const kept = new KeptResponses(clock);
    kept.keep('key a', response('resp_1'));
    await clock.advance(30 * MINUTE_MS);
    kept.keep('key a', response('resp_2'));
    await clock.advance(31 * MINUTE_MS);
    expect(() => kept.find('key a', 'resp_1')).toThrow();
    expect(kept.find('key a', 'resp_2').response.id).toBe('resp_2');
    await clock.advance(30 * MINUTE_MS);
    expect(() => kept.find('key a', 'resp_2')).toThrow();
  });

  it('gives way to newer ones of the same caller, by their number and by their size', () => {
    const kept = new KeptResponses(new ManualClock());
    kept.keep('key b', response('other'));
    for (let n = 0; n < 600; n++) kept.keep('key a', response(`resp_${n}`));
    expect(() => kept.find('key a', 'resp_87')).toThrow();
    expect(kept.find('key a', 'resp_88').response.id).toBe('resp_88');
    for (let n = 0; n < 9; n++) kept.keep('key a', response(`large_${n}`, 2_000_000));
    expect(() => kept.find('key a', 'large_0')).toThrow();
    expect(kept.find('key a', 'large_1').response.id).toBe('large_1');
    expect(kept.find('key b', 'other').response.id).toBe('other');
  });

  it('gives way to those of others only when all of them together are too large', () => {
    const kept = new KeptResponses(new ManualClock());
    for (const caller of ['a', 'b', 'c', 'd', 'e']) {
      for (let n = 0; n < 8; n++) kept.keep(caller, response(`${caller}${n}`, 2_000_000));
    }
    expect(() => kept.find('a', 'a6')).toThrow();
    expect(kept.find('b', 'b0').response.id).toBe('b0');
    expect(kept.find('e', 'e7').response.id).toBe('e7');
  });
});
