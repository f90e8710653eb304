/** Figures for whoever watches the benchmark. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
export const rate = (bytesPerSecond: number) => `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`;
export const rounded = (value: number) => Math.round(value * 1000) / 1000;
