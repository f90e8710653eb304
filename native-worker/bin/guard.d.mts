export const SHORT_WORKER_COMMANDS: readonly string[];
export function needsGuard(args: readonly string[]): boolean;
export function guard(args: readonly string[]): Promise<number>;
