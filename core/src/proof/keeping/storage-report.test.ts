import { describe, expect, it } from 'vitest';
import type { ContentId } from '../../base/ids.ts';
import { peerOf } from '../../testing/ledger-world.ts';
import {
  drawnLeaves,
  LEAVES_ASKED,
  readStorageReport,
  signStorageReport,
  storageCheck,
  type StorageReport,
} from './storage-report.ts';

const [ada, bob] = [peerOf(1), peerOf(2)];
const content = 'cd'.repeat(32) as ContentId;
const report: Omit<StorageReport, 'asker'> = {
  ...{ keeper: bob.peerId, content, sizeBytes: 5_000_000_000, epoch: 500_000 },
  ...{ outcome: 'kept', slowestMs: 31, leaves: new Uint8Array(32).fill(4) },
};

describe('a report about what a keeper has', () => {
  it('comes back as it was signed, and in no other way', async () => {
    const signed = await signStorageReport(report, ada);
    expect(readStorageReport(signed)).toEqual({ ...report, asker: ada.peerId });
    for (const at of [0, 50, signed.byteLength - 1])
      expect(readStorageReport(signed.with(at, signed[at]! ^ 1))).toBeNull();
    expect(readStorageReport(signed.subarray(0, -1))).toBeNull();
  });

  it('is not by the keeper about itself', async () => {
    expect(readStorageReport(await signStorageReport(report, bob))).toBeNull();
  });
});

describe('the leaves of a draw', () => {
  it('are spread over the whole file, and others for each keeper, hour and draw', () => {
    const beta = new Uint8Array(64).fill(1);
    const of = (epoch: number, from = beta) => drawnLeaves(from, storageCheck(epoch, bob.peerId, content), 1_000_000);
    expect(of(1)).toEqual(of(1));
    expect(of(1)).not.toEqual(of(2));
    expect(of(1)).not.toEqual(of(1, new Uint8Array(64).fill(2)));
    const many = Array.from({ length: 250 }, (_, epoch) => of(epoch)).flat();
    expect(many).toHaveLength(250 * LEAVES_ASKED);
    for (const tenth of [0, 3, 9]) {
      const there = many.filter((leaf) => Math.floor(leaf / 100_000) === tenth).length;
      // 100 are expected, with a deviation of 9.5.
      expect(there).toBeGreaterThan(60);
      expect(there).toBeLessThan(140);
    }
    expect(new Set(drawnLeaves(beta, storageCheck(1, bob.peerId, content), 1))).toEqual(new Set([0]));
  });
});
