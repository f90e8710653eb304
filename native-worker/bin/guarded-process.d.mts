import type { StdioOptions } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
  error: string | null;
  fault: string | null;
}

export class GuardedProcess {
  constructor(
    args: readonly string[],
    options: { stdio: StdioOptions; cwd?: string; env?: NodeJS.ProcessEnv; mostSilentTicks?: number },
  );
  readonly ended: Promise<End>;
  readonly stdout: Readable | null;
  onServing: () => void;
  serving(memoryBytes?: number): void;
  stop(signal?: NodeJS.Signals): Promise<void>;
  kill(): void;
  pause(paused: boolean): void;
}
