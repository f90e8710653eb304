import { expect, test } from 'vitest';
import { fromBase32 } from '@llmesh/core/base/base32';
import { newPeerId, type ModelId } from '@llmesh/core/base/ids';
import { readLeases } from '@llmesh/core/receipts/lease';
import type { Candidate } from '@llmesh/core/wire/candidate';
import { someone } from '../testing/ledgers.ts';
import { LeaseOffice } from './lease-office.ts';

test('a lease that we signed is known by its bytes, as it would be read, and no other', async () => {
  const office = new LeaseOffice(someone(), () => 1_800_000_000_000);
  const asked = { requester: newPeerId(), task: 'chat', model: 'm' as ModelId, complexity: 1_000, maxUnits: 64 };
  const lease = await office.lease([{ peerId: newPeerId() } as Candidate], asked, 5);
  const bytes = fromBase32(lease!)!;
  expect(office.issued.find(bytes)?.leases).toEqual(readLeases(bytes));
  expect(office.issued.find(bytes.with(40, bytes[40]! ^ 1))).toBeNull();
  const other = new LeaseOffice(someone(), () => 1_800_000_000_000);
  expect(other.issued.find(bytes)).toBeNull();
});
