/**
 * Where things lie on the map. No round trip is measured yet, so a place means nothing; it follows from the peer's id,
 * so a bead stays where it is while others come and go.
 */
import type { PeerId } from '@llmesh/core/base/ids';

export interface Size {
  width: number;
  height: number;
}

export interface Spot {
  x: number;
  y: number;
}

export interface Pond extends Spot {
  rx: number;
  ry: number;
}

/** Peers beyond this are only in the list. */
export const MOST_BEADS = 120;
/** The least distance between beads, and the most, which few beads get. */
const LEAST_SPACE_PX = 46;
const MOST_SPACE_PX = 150;
const BEAD_PX = 18;
const LETTER_PX = 7.4;
/** The free space around the visitor's own bead and the name below it. */
const YOU_PX = 58;
/** The headline lies over the pond's upper left, the legend over its lower edge. */
const TITLE = { width: 340, height: 184 };
const LEGEND_PX = 64;
const NARROW_PX = 560;

export function isNarrow(size: Size): boolean {
  return size.width < NARROW_PX;
}

export function pondIn(size: Size): Pond {
  const narrow = isNarrow(size);
  const y = size.height * (narrow ? 0.62 : 0.53);
  const x = size.width * (narrow ? 0.5 : 0.54);
  return {
    x,
    y,
    rx: narrow ? size.width * 0.62 : size.width * 0.48,
    ry: narrow ? size.height * 0.46 : size.height * 0.52,
  };
}

/** One contour of the pond as an SVG path. `share` 0..1 of the whole; each has its own wobble. */
export function contour(pond: Pond, share: number): string {
  const points: string[] = [];
  const steps = 72;
  for (let i = 0; i <= steps; i++) {
    const angle = (i / steps) * 2 * Math.PI;
    const phase = share * 11;
    const wobble = 1 + 0.045 * Math.sin(3 * angle + phase) + 0.03 * Math.sin(5 * angle - 2 * phase);
    const x = pond.x + Math.cos(angle) * pond.rx * share * wobble;
    const y = pond.y + Math.sin(angle) * pond.ry * share * wobble;
    points.push(`${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`);
  }
  return `${points.join('')}Z`;
}

/** A spot for each peer, none over another while there is room. Peers choose in the order given. */
export function spots(peers: readonly PeerId[], size: Size): Map<PeerId, Spot> {
  const pond = pondIn(size);
  const shown = peers.slice(0, MOST_BEADS);
  const share = 0.45 * Math.sqrt((size.width * size.height) / Math.max(1, shown.length));
  const space = Math.max(LEAST_SPACE_PX, Math.min(MOST_SPACE_PX, share));
  const found = new Map<PeerId, Spot>();
  for (const peer of shown) {
    let best: Spot | null = null;
    let bestRoom = -Infinity;
    for (let attempt = 0; attempt < 60 && bestRoom < 0; attempt++) {
      const spot = spotFor(peer, attempt, pond, size);
      const room = roomAt(spot, found.values(), space, pond, size);
      if (room <= bestRoom) continue;
      best = spot;
      bestRoom = room;
    }
    found.set(peer, best!);
  }
  return found;
}

/** How much room a spot has; negative: too near to something, or outside. */
function roomAt(spot: Spot, taken: Iterable<Spot>, space: number, pond: Pond, size: Size): number {
  const margin = 26;
  const below = isNarrow(size) ? margin : LEGEND_PX;
  const edge = Math.min(spot.x - margin, spot.y - margin, size.width - margin - spot.x, size.height - below - spot.y);
  const you = Math.hypot(spot.x - pond.x, spot.y - pond.y) - YOU_PX;
  const title = Math.max(spot.x - Math.min(TITLE.width, size.width), spot.y - TITLE.height);
  let room = Math.min(edge, you, title);
  for (const other of taken) room = Math.min(room, Math.hypot(spot.x - other.x, spot.y - other.y) - space);
  return room;
}

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** On which side a bead's name stands; a name that fits on neither is left to the list. */
export function nameSides(
  beads: ReadonlyMap<PeerId, Spot>,
  nameOf: (peer: PeerId) => string,
  size: Size,
): Map<PeerId, 'left' | 'right'> {
  const pond = pondIn(size);
  const full: Box[] = [...beads.values()].map((spot) => around(spot, BEAD_PX));
  full.push({ left: pond.x - 30, right: pond.x + 30, top: pond.y - 30, bottom: pond.y + 54 });
  const sides = new Map<PeerId, 'left' | 'right'>();
  for (const [peer, spot] of beads) {
    const width = nameOf(peer).length * LETTER_PX;
    for (const side of ['right', 'left'] as const) {
      const left = side === 'right' ? spot.x + BEAD_PX + 1 : spot.x - BEAD_PX - 1 - width;
      const box = { left, right: left + width, top: spot.y - 10, bottom: spot.y + 10 };
      if (box.left < 8 || box.right > size.width - 8 || full.some((other) => overlap(box, other))) continue;
      full.push(box);
      sides.set(peer, side);
      break;
    }
  }
  return sides;
}

function around(spot: Spot, by: number): Box {
  return { left: spot.x - by, right: spot.x + by, top: spot.y - by, bottom: spot.y + by };
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

function spotFor(peer: PeerId, attempt: number, pond: Pond, size: Size): Spot {
  const hash = mix(`${peer}${attempt}`);
  const angle = ((hash & 0xffff) / 0x10000) * 2 * Math.PI;
  const share = 0.3 + 0.66 * Math.sqrt((hash >>> 16) / 0x10000);
  const x = pond.x + Math.cos(angle) * share * Math.min(pond.rx, size.width / 2 - 30);
  return { x: Math.round(x), y: Math.round(pond.y + Math.sin(angle) * share * pond.ry * 0.9) };
}

/** FNV-1a with a final avalanche: neighbouring attempts must not be neighbours. */
function mix(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x7feb352d);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
