/** What counting costs: the same programs with it and without, turn by turn, each compiled before and warm. */
import { ConsoleStdout, File, OpenFile, PreopenDirectory, WASI } from '@bjorn3/browser_wasi_shim';
import { metered } from '@llmesh/core/jobs/metered';
import { readModule } from '@llmesh/core/jobs/module';
import { percentile } from '../statistics.ts';
import { wasmProgram } from './containment.ts';

const ROUNDS = 7;
const PAGES = 64;

interface Exports {
  memory: WebAssembly.Memory;
  _start: () => unknown;
  gas?: WebAssembly.Global;
}

/** The time with counting over that without: the worse of the two programs, each by its median. */
export async function meteringRatio(): Promise<number> {
  const ratios: number[] = [];
  for (const [name, steps] of [
    ['nbody', '1000000'],
    ['hash', '1000000'],
  ] as const) {
    const plain = wasmProgram(name);
    const [bare, counted] = await Promise.all(
      [plain, new Uint8Array(metered(readModule(plain), PAGES))].map((bytes) => WebAssembly.compile(bytes)),
    );
    if (bare === undefined || counted === undefined) throw new Error('It was not compiled.');
    const times: number[] = [];
    // The first rounds warm up: engines compile again what runs often.
    for (let round = -3; round < ROUNDS; round++) {
      const [first, second] = round % 2 === 0 ? [bare, counted] : [counted, bare];
      const firstMs = msOf(first, [name, steps]);
      const secondMs = msOf(second, [name, steps]);
      if (round >= 0) times.push(first === counted ? firstMs / secondMs : secondMs / firstMs);
    }
    const ratio = percentile(times, 50);
    process.stdout.write(`${name}: ${ratio.toFixed(2)} times as long with counting\n`);
    ratios.push(ratio);
  }
  return Number(Math.max(...ratios).toFixed(2));
}

function msOf(code: WebAssembly.Module, args: string[]): number {
  const quiet = () => new ConsoleStdout(() => {});
  const stdin = new OpenFile(new File([]));
  const wasi = new WASI(args, [], [stdin, quiet(), quiet(), new PreopenDirectory('/', new Map())], { debug: false });
  const instance = new WebAssembly.Instance(code, { wasi_snapshot_preview1: wasi.wasiImport });
  const exports = instance.exports as unknown as Exports;
  if (exports.gas !== undefined) exports.gas.value = 1_000_000_000_000n;
  const began = performance.now();
  wasi.start({ exports });
  return performance.now() - began;
}
