/**
 * The rows that so many more events of the last month would have left in `mesh.db`, without those events: deliveries and settled
 * holds, which are kept for a month, and the receipt book as full as it may be. A start does not read them, but the file is as large.
 */
import { dayOf, deliveryKey, FILED_WITHIN_DAYS, settledKey } from '@llmesh/core/ledger/keys';
import { DELIVERY_LIMITS } from '@llmesh/signaling/receipts/delivery-store';
import { MeshDatabase } from '@llmesh/signaling/store/mesh-database';

const COUNT = 'WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?)';
const PEER = "'pppppppppppppppppppppppppppppppp'";
const VALUES = [
  [deliveryKey, `json_array(i, ${PEER}, ${PEER}, 100, json('true'), 1000, 700, 50, 0, 0)`],
  [settledKey, `json_array(${PEER}, 1000, 100)`],
] as const;
const PROVIDERS = 2_000;

/** Half of the events put credits aside, and the other half are what was delivered for them. */
export function addOldRows(folder: string, events: number): void {
  const database = new MeshDatabase(folder);
  try {
    const today = dayOf(Date.now());
    const perDay = Math.ceil(events / 2 / FILED_WITHIN_DAYS);
    for (const [keyOf, value] of VALUES) {
      const put = `INSERT OR IGNORE INTO ledger_state (key, value) ${COUNT} SELECT ? || printf('%026d', i), ${value} FROM c`;
      for (let day = today - FILED_WITHIN_DAYS + 1; day <= today; day++)
        database.transact(() => database.prepare(put).run([perDay, keyOf(day, '')]));
    }
    fillReceiptBook(database);
  } finally {
    database.close();
  }
}

function fillReceiptBook(database: MeshDatabase): void {
  const nowMs = Date.now();
  const columns = [
    ...['lease_nonce', 'task_id', 'requester', 'provider', 'model', 'price', 'kind', 'units', 'digest', 'lease'],
    ...['provider_half', 'requester_half', 'filed_ms', 'expires_s', 'change', 'hold'],
  ];
  const values = [
    ...['randomblob(16)', 'hex(randomblob(13))', 'hex(randomblob(16))', `printf('%032d', i % ${PROVIDERS})`, "'m'"],
    ...['1000', "'receipt'", '100', 'randomblob(32)', 'randomblob(350)', 'randomblob(400)', 'randomblob(400)'],
    ...[String(nowMs), `${Math.floor(nowMs / 1_000)} - i`, 'i', 'randomblob(16)'],
  ];
  database.transact(() => {
    database
      .prepare(`INSERT INTO delivery (${columns.join(', ')}) ${COUNT} SELECT ${values.join(', ')} FROM c`)
      .run([DELIVERY_LIMITS.rows]);
    database.prepare('UPDATE last_change SET change = ?').run([DELIVERY_LIMITS.rows]);
    // They are in the ledger already, as it were.
    database.prepare('UPDATE ledger_head SET posted = ?').run([DELIVERY_LIMITS.rows]);
  });
}
