/** How the cords hang between the switch and the people. */
export interface Slot {
  /** On a wide screen the bead's height; on a phone its distance from the left. */
  at: number;
  taut: string;
  slack: string;
}

const WIDE: readonly Slot[] = [
  { at: 36, taut: 'M-6 88C80 88 90 36 170 36H330', slack: 'M330 36C230 36 200 70 186 172' },
  { at: 88, taut: 'M-6 88H330', slack: 'M330 88C250 90 228 120 216 172' },
  { at: 140, taut: 'M-6 88C80 88 90 140 170 140H330', slack: 'M330 140C282 142 258 156 246 172' },
];
const PHONE: readonly Slot[] = [
  { at: 60, taut: 'M170 -6C170 40 60 20 60 62', slack: 'M60 62C60 30 84 26 92 40' },
  { at: 170, taut: 'M170 -6V62', slack: 'M170 62C170 30 194 26 202 40' },
  { at: 280, taut: 'M170 -6C170 40 280 20 280 62', slack: 'M280 62C280 30 304 26 312 40' },
];
/** One person hangs in the middle, two hang on the sides. */
const ORDER: readonly (readonly number[])[] = [[], [1], [0, 2], [0, 1, 2]];

export function hang<T>(people: readonly T[], width: 'wide' | 'phone'): { person: T; slot: Slot }[] {
  const slots = width === 'wide' ? WIDE : PHONE;
  const order = ORDER[Math.min(people.length, 3)] ?? [];
  return order.flatMap((place, i) => {
    const slot = slots[place];
    const person = people[i];
    return slot === undefined || person === undefined ? [] : [{ person, slot }];
  });
}
