/** What a guarded process and its guard (bin/guarded-process.mjs) tell each other. Without a guard, nothing is said. */

const isGuarded = process.ppid === Number(process.env['LLMESH_STARTED_BY']) && process.send !== undefined;

/** The process serves from now on. `memoryBytes`: what its models need by their plan; left out: there is no plan. */
export function sayServing(memoryBytes?: number): void {
  void tell({ serving: true, ...(memoryBytes !== undefined && { memoryBytes }) });
}

/** The process is about to end, and another start is likely to help. `why`: for a person. */
export function askToStartAgain(why: string): void {
  void tell({ again: why });
}

/** Why it had to be started again, for a person; null: it was not. */
export function whyStartedAgain(): string | null {
  return (isGuarded && process.env['LLMESH_ENDED_BEFORE']) || null;
}

/** All is closed: tells the guard the exit code, in case native threads keep the process from ending, or crash it. */
export async function endProcess(code: number): Promise<never> {
  await tell({ endsWith: code });
  process.exit(code);
}

/** Ends while llama.cpp still computes: to tear that down now could hang or crash. */
export async function endProcessNow(code: number): Promise<void> {
  await tell({ endsWith: code });
  if (isGuarded) process.kill(process.pid, 'SIGKILL');
  process.exit(code);
}

/** Never rejects: a guard that is gone ends us anyway. */
function tell(message: object): Promise<void> {
  return new Promise((resolve) => {
    if (isGuarded && process.connected) process.send?.(message, undefined, undefined, () => resolve());
    else resolve();
  });
}
