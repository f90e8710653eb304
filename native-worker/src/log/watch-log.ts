/**
 * Compares the log of the mesh as it is shown to us with what our peers were shown, as long as we are there. A fork is kept as
 * evidence, and told.
 */
import { BoundedMap } from '@llmesh/core/base/bounded-map';
import { peerIdOf } from '@llmesh/core/identity/identity';
import { nodeVerify } from '@llmesh/core/identity/node-signatures';
import { namedBy } from '@llmesh/core/identity/note-name';
import type { OpenPeer } from '@llmesh/core/open-peer';
import { NODE_HASHER } from '@llmesh/log/node/hasher';
import type { NoteKey } from '@llmesh/log/note/key';
import { ForkWatch, type SeenFork } from '@llmesh/log/read/fork-watch';
import type { FetchFile } from '@llmesh/log/read/verified-tree';
import { MAX_POLICY_BYTES, readPolicy } from '@llmesh/log/witness/policy';
import { keepEvidence } from './evidence.ts';

/** What we are shown is compared with what we were shown before so often: it takes a few tiles each time. */
const OWN_EVERY_MS = 300_000;
/** Forks that are told: the rest is in the folder. */
const MAX_TOLD = 32;

export interface WatchLogOptions {
  readonly fetch: FetchFile;
  /** Where evidence is kept. */
  readonly folder: string;
  /** Milliseconds, of any clock that only rises. */
  readonly now: () => number;
  readonly forked: (fork: SeenFork, file: string) => void;
  /** Something could not be compared, or kept. */
  readonly failed: (error: unknown) => void;
}

type Peer = {
  readonly mesh: Pick<OpenPeer['mesh'], 'checkpoints'>;
  readonly control: Pick<OpenPeer['control'], 'issuer'>;
};

/** Returns what stops it. */
export function watchLog({ mesh, control }: Peer, options: WatchLogOptions): () => void {
  const { fetch, folder, now, forked, failed } = options;
  const closing = new AbortController();
  const told = new BoundedMap<string, true>(MAX_TOLD);
  let watch: Promise<ForkWatch | null> | null = null;
  let comparedMs = -Infinity;
  let compared = '';

  const tell = async (fork: SeenFork, from: string) => {
    if (told.has(fork.shown)) return;
    told.set(fork.shown, true);
    forked(fork, await keepEvidence(folder, { ...fork, from }));
  };
  const opened = async (): Promise<ForkWatch | null> => {
    watch ??= keyOf(control.issuer, fetch, closing.signal).then((key) =>
      key === null ? null : new ForkWatch({ key, fetch, check: nodeVerify, hasher: NODE_HASHER }),
    );
    const found = await watch.catch((error: unknown) => {
      // The next checkpoint is another occasion.
      watch = null;
      throw error;
    });
    if (found === null) watch = null;
    return found;
  };
  /** Up to what we are shown now. */
  const catchUp = async (ours: ForkWatch, latest: string) => {
    if (latest === compared) return;
    compared = latest;
    comparedMs = now();
    for (const fork of await ours.own(latest, closing.signal)) await tell(fork, 'the mesh itself');
  };
  const run = (work: () => Promise<void>) => {
    work().catch((error: unknown) => {
      if (!closing.signal.aborted) failed(error);
    });
  };
  const stopShown = mesh.checkpoints.on('shown', ({ note }) => {
    if (now() - comparedMs < OWN_EVERY_MS) return;
    comparedMs = now();
    run(async () => {
      const ours = await opened();
      if (ours !== null) await catchUp(ours, note);
    });
  });
  const stopHeard = mesh.checkpoints.on('heard', (note, from) => {
    run(async () => {
      const ours = await opened();
      const { latest } = mesh.checkpoints;
      if (ours === null || latest === null) return;
      await catchUp(ours, latest);
      const heard = await ours.heard(note, closing.signal);
      if (typeof heard === 'object') await tell(heard, `the peer ${from}`);
    });
  });
  return () => {
    closing.abort();
    stopShown();
    stopHeard();
  };
}

/** The log's key is the control plane's, whom we know by its id. Null: the mesh names none that is. */
async function keyOf(
  issuer: OpenPeer['control']['issuer'],
  fetch: FetchFile,
  signal: AbortSignal,
): Promise<NoteKey | null> {
  const told = issuer === null ? null : await fetch('policy', MAX_POLICY_BYTES, signal);
  if (issuer === null || told === null) return null;
  const keys = readPolicy(told).logs.map(({ key }) => key);
  return keys.find(({ name, publicKey }) => namedBy(name)?.peer === issuer && peerIdOf(publicKey) === issuer) ?? null;
}
