/** One fetch by a peer, in Node or in a browser, and what it took. */
import { bytesToHex } from '@noble/hashes/utils.js';
import { MeshError } from '@llmesh/core/base/errors';
import type { Hasher } from '@llmesh/core/models/hasher';
import { PieceMap } from '@llmesh/core/models/piece-map';
import type { WebSource } from '@llmesh/core/models/swarm-port';
import type { Swarm } from '@llmesh/core/models/swarm/swarm';
import { freeBuffer } from '@llmesh/core/transport/free-buffer';
import type { FetchCommand, Fetched } from './commands.ts';

const never = new AbortController().signal;

/** Resolves when the model is here. `onLoaded`: bytes that are here and right. */
export async function measuredFetch(
  swarm: Swarm,
  hasher: Hasher,
  { model, source, lend }: FetchCommand,
  onLoaded: (bytes: number) => void = () => {},
): Promise<Fetched> {
  const { content, manifest } = model;
  const startMs = performance.now();
  const [first, last] = [
    { ms: 0, loadedBytes: 0 },
    { ms: 0, loadedBytes: 0 },
  ];
  const web = source === null ? null : serverAt(source);
  const before = swarm.figures.totals;
  const stored = await swarm.fetch(
    { content, sha256: null, manifest, web, sizeBytes: null, lend },
    {
      signal: never,
      onProgress: ({ loadedBytes }) => {
        onLoaded(loadedBytes);
        if (loadedBytes > last.loadedBytes) Object.assign(last, { ms: performance.now(), loadedBytes });
        if (first.ms === 0 && loadedBytes > 0) Object.assign(first, last);
      },
    },
  );
  const ms = performance.now() - startMs;
  const hash = hasher.stream();
  for (let piece = 0; piece < new PieceMap(manifest).count; piece++) {
    const bytes = await stored.read(piece);
    hash.update(bytes);
    // This look at the file is no part of what is measured, its memory neither.
    freeBuffer(bytes.buffer);
  }
  await stored.close();
  const { fromPeers, fromWeb, wrong } = swarm.figures.totals;
  return {
    ms,
    bytesPerSecond: ((last.loadedBytes - first.loadedBytes) * 1000) / (last.ms - first.ms),
    fromPeers: fromPeers - before.fromPeers,
    fromWeb: fromWeb - before.fromWeb,
    wrong: wrong - before.wrong,
    sha256: bytesToHex(hash.digest()),
  };
}

/** A server that sends parts of the file at `url`, and the hashes of its pieces where it has them. */
function serverAt(url: string): WebSource {
  return {
    async read(_file, from, to, signal) {
      const response = await fetch(url, { headers: { range: `bytes=${from}-${to - 1}` }, signal });
      if (response.status !== 206) throw new MeshError('unsupported', `The server answered ${response.status}.`);
      return new Uint8Array(await response.arrayBuffer());
    },
    async layer(_file, signal) {
      const response = await fetch(`${url}/layer`, { signal });
      return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
    },
  };
}
