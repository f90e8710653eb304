/** What each client has to get done, and whether it did. */
import { inTime } from './in-time.ts';
import type { CompatMesh } from './compat-mesh.ts';

export const FEATURES = [
  'whole',
  'stream',
  'tool loop',
  'parallel calls',
  'structured output',
  'reasoning',
  'abort',
  'errors',
] as const;
export type Feature = (typeof FEATURES)[number];

/** Rejects when the client did not get what it asked for. */
export type Cell = (mesh: CompatMesh) => Promise<void>;

/** A client with what it has a notion of; a feature that is missing here is none of the client's. */
export interface ClientRow {
  name: string;
  cells: Partial<Record<Feature, Cell>>;
}

export interface Tried {
  cells: number;
  red: Fault[];
  /** What went well when it was tried again. */
  flaky: Fault[];
}

export interface Fault {
  client: string;
  feature: Feature;
  error: unknown;
}

/** Longer than any answer here takes on a busy machine. */
const CELL_MS = 60_000;
const NAME_WIDTH = 34;
/** Real sockets and processes on a busy machine: what fails once there is tried once more, and shown as such. */
const TRIES = process.env['CI'] === undefined ? 1 : 2;

/**
 * Tries every cell and prints a line for each client. Its cells are tried at once, as they mostly wait for each other's processes; but
 * for the one that breaks an answer off, and counts the answers that were written meanwhile.
 */
export async function tryAll(rows: readonly ClientRow[], mesh: CompatMesh): Promise<Tried> {
  const red: Fault[] = [];
  const flaky: Fault[] = [];
  let cells = 0;
  print('', FEATURES);
  for (const { name, cells: own } of rows) {
    const startedMs = performance.now();
    const shown = new Map<Feature, string>();
    const attempt = async (feature: Feature) => {
      const cell = own[feature];
      if (cell === undefined) return;
      cells += 1;
      const errors: unknown[] = [];
      while (errors.length < TRIES) {
        try {
          await inTime(cell(mesh), CELL_MS);
          shown.set(feature, errors.length === 0 ? 'ok' : 'again');
          break;
        } catch (error) {
          errors.push(error);
        }
      }
      if (errors.length > 0) (shown.has(feature) ? flaky : red).push({ client: name, feature, error: errors[0] });
      if (!shown.has(feature)) shown.set(feature, 'RED');
    };
    await Promise.all(FEATURES.filter((feature) => feature !== 'abort').map(attempt));
    await attempt('abort');
    const columns = FEATURES.map((feature) => shown.get(feature) ?? '–');
    print(name, [...columns, `${((performance.now() - startedMs) / 1000).toFixed(1)} s`]);
  }
  return { cells, red, flaky };
}

function print(name: string, columns: readonly string[]): void {
  const cells = columns.map((column, index) => column.padEnd(FEATURES[index]?.length ?? 0));
  process.stdout.write(`${name.padEnd(NAME_WIDTH)}${cells.join('  ')}\n`);
}
