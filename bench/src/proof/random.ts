/** A number in [0, 1). */
export type Random = () => number;

export function oneOf<T>(pool: readonly T[], random: Random): T {
  return pool[Math.floor(random() * pool.length)]!;
}
