/** Which providers offer a model. Finding, adding and removing cost the same for ten providers and ten thousand. */
import type { ModelId } from '@llmesh/core/ids';
import type { RegisteredPeer } from './registry.ts';

export class ModelIndex {
  readonly #lists = new Map<ModelId, { peers: RegisteredPeer[]; places: Map<RegisteredPeer, number> }>();

  add(model: ModelId, peer: RegisteredPeer): void {
    let list = this.#lists.get(model);
    if (list === undefined) this.#lists.set(model, (list = { peers: [], places: new Map() }));
    if (list.places.has(peer)) return;
    list.places.set(peer, list.peers.length);
    list.peers.push(peer);
  }

  remove(model: ModelId, peer: RegisteredPeer): void {
    const list = this.#lists.get(model);
    const place = list?.places.get(peer);
    if (list === undefined || place === undefined) return;
    list.places.delete(peer);
    const last = list.peers.pop();
    if (last !== undefined && last !== peer) {
      list.peers[place] = last;
      list.places.set(last, place);
    }
    if (list.peers.length === 0) this.#lists.delete(model);
  }

  /** Everybody with this model, each once. The walk begins anywhere and takes strides, so that no neighbourhood is favoured. */
  *providers(model: ModelId, random: () => number): Generator<RegisteredPeer> {
    const peers = this.#lists.get(model)?.peers ?? [];
    const start = Math.floor(random() * peers.length);
    let stride = 1 + Math.floor(random() * (peers.length - 1));
    while (commonDivisor(stride, peers.length) > 1) stride++;
    for (let i = 0; i < peers.length; i++) {
      const peer = peers[(start + i * stride) % peers.length];
      if (peer !== undefined) yield peer;
    }
  }
}

function commonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
