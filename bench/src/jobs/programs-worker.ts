/** Runs programs in a worker of a browser, as jobs run there: bundled, and started from a text. */
import { runPrograms } from './run-programs.ts';

interface Port {
  onmessage: ((event: { data: { programs: Uint8Array<ArrayBuffer>[] } }) => void) | null;
  postMessage: (message: unknown) => void;
}

const port = globalThis as unknown as Port;
port.onmessage = ({ data }) => void runPrograms(data.programs).then((ran) => port.postMessage(ran));
