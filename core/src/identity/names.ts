/** A name and a bead for every peer, derived from its id: the same in an answer, on Donate and on the map. */
import type { PeerId } from '../base/ids.ts';

const MANNERS =
  'amber blue bold brisk bronze calm clear clever cool coral dapper eager early easy fair fleet fond frank gentle glad golden grand green happy hardy honest humble jolly keen kind light lively lone lucky mellow merry mild misty modest neat nimble noble old pale patient plain proud quick quiet ready rosy russet shy silver small smart snug soft spry steady sunny swift tidy warm'.split(
    ' ',
  );
const ANIMALS =
  'badger bat beaver bee bison bream carp cod crab crane cricket curlew deer dove duck eel egret elk falcon ferret finch fox frog gecko goose grebe gull hare hawk heron ibex jay kite lark lynx marten mole moth mouse newt otter owl perch pike plover pony quail raven robin salmon seal shrew snail snipe stoat swan tern thrush toad trout vole weasel wren yak'.split(
    ' ',
  );

export interface BeadLook {
  /** 1 … 6, the thread colours of the design tokens. */
  colour: number;
  /** 0 … 5 */
  pattern: number;
}

/** "blue-heron": one of 4,096, for people. Two peers may share a name; never use it as an id. */
export function peerName(peer: PeerId): string {
  const hash = fnv1a(peer);
  return `${MANNERS[hash & 63]}-${ANIMALS[(hash >>> 6) & 63]}`;
}

/** "qz3fkp7x…" → "qz3f kp7x": enough of a peer's id to compare by eye or over the phone; the name proves nothing. */
export function fingerprint(peer: PeerId): string {
  return `${peer.slice(0, 4)} ${peer.slice(4, 8)}`;
}

/** Colour and pattern come from the name, so that the two are learnt together. */
export function peerBead(peer: PeerId): BeadLook {
  const hash = fnv1a(peerName(peer));
  return { colour: 1 + (hash % 6), pattern: (hash >>> 8) % 6 };
}

/** FNV-1a, 32 bits, over UTF-16 units: spreads well enough for looks and proves nothing. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash ^= text.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  return hash >>> 0;
}
