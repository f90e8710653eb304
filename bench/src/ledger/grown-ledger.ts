/**
 * The data folder of a mesh with a long past, made fast: each event is applied and written as a running mesh does it, and signed into
 * the log. Only the signatures of peers are missing in them, which whoever made the log would have checked before.
 */
import { realClock } from '@llmesh/core/base/clock';
import { newTaskId, type ModelId } from '@llmesh/core/base/ids';
import { randomBytes } from '@llmesh/core/base/random-bytes';
import { peerIdOf, type Identity } from '@llmesh/core/identity/identity';
import { EPOCH_MS, epochOf } from '@llmesh/core/ledger/emission';
import type { EventBody } from '@llmesh/core/ledger/event';
import { readEvidence } from '@llmesh/core/ledger/evidence';
import { leaseOf, readLeases, signLeases } from '@llmesh/core/receipts/lease';
import { signReceipt } from '@llmesh/core/receipts/receipt';
import { NODE_HASHER } from '@llmesh/log/node/hasher';
import { LedgerTable } from '@llmesh/signaling/ledger/ledger-table';
import { Past } from '@llmesh/signaling/ledger/past/past';
import { Projector, type Asked } from '@llmesh/signaling/ledger/projector';
import { LEDGER_LIMITS, sweep } from '@llmesh/signaling/ledger/upkeep';
import { LogKeeper } from '@llmesh/signaling/log/log-keeper';
import { openMeshPolicy } from '@llmesh/signaling/log/mesh-policy';
import { logFiles, logSigner, pastFiles } from '@llmesh/signaling/log/open-log';
import { openControlKey } from '@llmesh/signaling/receipts/control-key';
import { MeshDatabase } from '@llmesh/signaling/store/mesh-database';

const BATCH = 2_048;
/** Batches from one checkpoint to the next. */
const SIGN_EVERY = 8;
const PEERS = 20_000;
/** Volunteers that are paid for being there. */
const PAID = 256;
/** An hour. */
const NEWCOMERS = 100;
const DAYS = 31;
const UNITS = 100;
const PRICE = 10_000;
const MODEL = 'm' as ModelId;
const SAY_EVERY = 250_000;

/** At least so many events of the last month, of which the newest is some seconds old. */
export async function growLedger(folder: string, events: number): Promise<void> {
  const key = await openControlKey(folder);
  const database = new MeshDatabase(folder);
  const store = new LedgerTable(database);
  const projector = await Projector.open(store, key.peerId);
  const past = new Past(pastFiles(folder));
  const signer = logSigner(key);
  const source = { size: 0, leaves: (from: number, to: number) => store.leaves(from, to) };
  let [final, said] = [0, 0];
  const log = await LogKeeper.open({
    ...{ source, store: logFiles(folder), signer, hasher: NODE_HASHER, clock: realClock, now: Date.now },
    policy: await openMeshPolicy(null, signer.key),
    final: (size) => (final = size),
    failed: (why) => {
      throw new Error(why);
    },
  });
  const busy = new BusyMesh(key);
  const startMs = Date.now() - DAYS * EPOCH_MS * 24;
  for (let batch = 1; projector.head.size < events; batch++) {
    const ms = Math.floor(startMs + (Date.now() - startMs) * Math.min(1, projector.head.size / events));
    const asked = await Promise.all(Array.from({ length: BATCH / 2 }, () => busy.answer(ms)));
    await projector.project([...busy.hour(ms), ...asked.flat()], 0, ms);
    projector.pending.finalTo(projector.head.size);
    source.size = projector.head.size;
    if (batch % SIGN_EVERY === 0) await log.grow();
    await sweep({ store, past, limits: LEDGER_LIMITS }, { size: source.size, final }, ms);
    if (source.size < said + SAY_EVERY) continue;
    said = source.size;
    process.stderr.write(`${said} events\n`);
  }
  await log.close();
  while (await sweep({ store, past, limits: LEDGER_LIMITS }, { size: source.size, final }, Date.now()));
  database.close();
}

class BusyMesh {
  readonly #issuer: Identity;
  readonly #peers = Array.from({ length: PEERS }, anybody);
  #epoch = 0;
  #next = 0;

  constructor(issuer: Identity) {
    this.#issuer = unsigned(issuer);
  }

  /** What a new hour brings: the last one is paid for, and some newcomers get their allowance. */
  hour(ms: number): Asked[] {
    const epoch = epochOf(ms);
    if (epoch === this.#epoch) return [];
    const first = this.#epoch === 0;
    this.#epoch = epoch;
    const shares = this.#peers.slice(0, PAID).map(({ peerId }) => [peerId, 1_000] as const);
    const uptime: EventBody[] = first ? [] : [{ kind: 'uptime', epoch: epoch - 1, shares }];
    const newcomers = this.#peers.slice((epoch % (PEERS / NEWCOMERS)) * NEWCOMERS).slice(0, NEWCOMERS);
    return [...uptime, ...newcomers.map(({ peerId: to }) => ({ kind: 'allowance', to }) as const)].map((body) =>
      askedAt(body, ms),
    );
  }

  /** An answer of a volunteer, paid for where its requester can. */
  async answer(ms: number): Promise<Asked[]> {
    const number = this.#next++;
    // Half of all answers are by those who ask, too, and are there all day.
    const among = number % 2 === 0 ? PAID : PEERS;
    const [requester, provider] = [this.#peers[number % PAID]!, this.#peers[(number * 7 + 1) % among]!];
    if (requester === provider) return [];
    const ends = { requester: requester.peerId, provider: provider.peerId };
    const seed = randomBytes(16);
    const terms = { task: 'chat', model: MODEL, price: PRICE, priceVersion: 1 };
    const expiresAt = Math.floor(ms / 1_000) + 120;
    const asked = { ...terms, requester: ends.requester, complexity: 1_000, maxUnits: UNITS, expiresAt, seed };
    const lease = await signLeases({ ...asked, providers: [ends.provider] }, this.#issuer);
    const { nonce: leaseNonce } = leaseOf(
      readLeases(lease, () => true)!,
      ends.provider,
    )!;
    const receipt = {
      ...{ ...terms, ...ends, taskId: newTaskId(), leaseNonce, commitment: randomBytes(32), units: UNITS },
      ...{ digest: randomBytes(32), result: randomBytes(32), inputUnits: 20, startedMs: ms, endedMs: ms, half: null },
    };
    const [byProvider, byRequester] = [await signReceipt(receipt, provider), await signReceipt(receipt, requester)];
    const proof = { kind: 'receipt', provider: byProvider, requester: byRequester } as const;
    const payer = ends.requester;
    const hold = { kind: 'reserve', hold: seed, payer, amount: 1_000, untilS: expiresAt + 900 } as const;
    return [askedAt(hold, ms), askedAt({ kind: 'earn', lease, proof }, ms)];
  }
}

function askedAt(body: EventBody, ms: number): Asked {
  return { body, ms, evidence: () => readEvidence({ ...body, ms }, () => true) };
}

function anybody(): Identity {
  const publicKey = randomBytes(32);
  return unsigned({
    peerId: peerIdOf(publicKey),
    publicKey,
    sign: () => Promise.reject(new Error('Nobody has this key.')),
  });
}

/** Its key, and signatures that are none. */
function unsigned({ peerId, publicKey }: Identity): Identity {
  return { peerId, publicKey, sign: () => Promise.resolve(new Uint8Array(64)) };
}
