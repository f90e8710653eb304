/** Why a model is served or not, and what would help, in people's words. */
import { plural } from '../../language/plural.ts';
import type { Audits, Stats } from '@llmesh/core/wire/api-pages';
import type { Supply } from '../../state/network/supply.ts';
import { bytes, count, seconds } from '../parts/format.ts';

/** How it stands with this model. */
export function supplyWords({ entry, state, slots, busySlots, waiting, wakesInMs }: Supply): string {
  switch (state) {
    case 'free':
      return plural(slots, [
        `An answer starts now: ${count(Math.max(0, slots - busySlots))} of # place free.`,
        `An answer starts now: ${count(Math.max(0, slots - busySlots))} of # places free.`,
      ]);
    case 'asleep':
      return `It is on a disk and not in memory: the first answer starts after about ${seconds(wakesInMs ?? 0)}.`;
    case 'full':
      return waiting === 0
        ? taken(slots)
        : `${taken(slots)} ${plural(waiting, ['# question waits.', '# questions wait.'])}`;
    case 'absent':
      return waiting === 0
        ? 'Nobody lends it now.'
        : `${plural(waiting, ['Nobody lends it now, and # question waits for it.', 'Nobody lends it now, and # questions wait for it.'])} ${entry.name} is wanted.`;
    default:
      return state satisfies never;
  }
}

function taken(slots: number): string {
  return plural(slots, ['Its one place is taken.', 'All # places are taken.']);
}

/** What would help, where this device cannot. null: it needs no help, or nobody knows. */
export function helpWords({ entry, state }: Supply): string | null {
  if (state === 'free' || state === 'asleep') return null;
  const { here, whyNot, memoryBytes } = entry;
  if (here !== null) return state === 'full' ? 'One more computer would help, and this one can.' : 'This computer can.';
  if (memoryBytes === null) return null;
  const needed = `A computer with ${bytes(memoryBytes)} of memory to spare can lend it with the desktop worker.`;
  return whyNot === null ? needed : `This computer cannot: ${whyNot}. ${needed}`;
}

export interface Finding {
  good: boolean;
  words: string;
}

/** What somebody who watches over a mesh wants to know first. `alone`: models that one computer has. */
export function healthWords(stats: Stats, alone: number, audits: Audits | null): Finding[] {
  const free = Math.max(0, stats.slots - stats.busySlots);
  const waiting = stats.queued + stats.waiting;
  const findings: Finding[] = [];
  if (stats.providers === 0)
    findings.push({ good: false, words: 'No computer lends a model: nobody can be answered.' });
  else if (waiting > 0) {
    const who = plural(waiting, ['# question waits for a free place.', '# questions wait for a free place.']);
    findings.push({ good: false, words: `${who} More computers would help.` });
  } else
    findings.push({
      good: free > 0,
      words: `${count(free)} of ${count(stats.slots)} places are free, and nobody waits.`,
    });
  if (alone > 0) {
    const words = plural(alone, [
      'One model is lent by one computer only: without that it is gone until somebody else lends it.',
      '# models are lent by one computer each: without that they are gone until somebody else lends them.',
    ]);
    findings.push({ good: false, words });
  } else if (stats.providers > 0)
    findings.push({ good: true, words: 'Each model that is lent is on two computers or more.' });
  if (audits !== null && audits.agrees + audits.deviates > 0) {
    const kept = audits.quarantined + audits.convicted;
    findings.push(
      kept > 0
        ? {
            good: false,
            words: plural(kept, [
              '# volunteer is kept away from strangers, for answers that did not match their model.',
              '# volunteers are kept away from strangers, for answers that did not match their model.',
            ]),
          }
        : { good: true, words: 'Nobody is kept away for wrong answers.' },
    );
  }
  return findings;
}
