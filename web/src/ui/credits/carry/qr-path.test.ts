import { decodeQR } from 'qr/decode.js';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { exportKey, importKey } from '@llmesh/core/identity/key-export';
import { expect, it } from 'vitest';
import { qrPath } from './qr-path.ts';

/** The picture that a camera would see, each module in so many pixels. */
const SCALE = 4;

function drawn({ size, path }: ReturnType<typeof qrPath>) {
  const side = size * SCALE;
  const data = new Uint8Array(side * side * 4).fill(255);
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)/g)) {
    for (let row = Number(y) * SCALE; row < (Number(y) + 1) * SCALE; row++)
      for (let at = Number(x) * SCALE; at < (Number(x) + Number(length)) * SCALE; at++)
        data.set([0, 0, 0], (row * side + at) * 4);
  }
  return { width: side, height: side, data };
}

it('a locked key that goes by a QR code opens with its passphrase on the other side', async () => {
  const signal = AbortSignal.timeout(60_000);
  const secret = randomBytes(32);
  const text = await exportKey(secret, 'four words of mine', { signal, log2N: 10 });
  const seen = decodeQR(drawn(qrPath(text)));
  expect(seen).toBe(text.toUpperCase());
  expect(await importKey(seen, 'four words of mine', { signal })).toEqual(secret);
});
