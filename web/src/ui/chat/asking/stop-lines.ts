/** Stop sequences as they are written by hand: one on each line, with `\n` for a line break and `\t` for a tab. */
import { MAX_STOP_CHARACTERS, MAX_STOPS } from '@llmesh/core/ask/stops/stop-limits';

const WRITTEN: Readonly<Record<string, string>> = { n: '\n', t: '\t', '\\': '\\' };

/** Blank lines are none, and none counts twice. */
export function stopsOf(lines: string): string[] {
  const stops = lines
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.replaceAll(/\\([nt\\])/g, (_, letter: string) => WRITTEN[letter]!));
  return [...new Set(stops)];
}

export function linesOf(stops: readonly string[]): string {
  return stops.map((stop) => stop.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t')).join('\n');
}

/** Why these cannot be used; null: they can. */
export function faultOf(stops: readonly string[]): string | null {
  if (stops.length > MAX_STOPS) return `At most ${MAX_STOPS} stop sequences, please.`;
  if (stops.some((stop) => stop.length > MAX_STOP_CHARACTERS)) {
    return `A stop sequence has at most ${MAX_STOP_CHARACTERS} characters.`;
  }
  return null;
}
