export function programArgs(file: string): string[];
export function programEnv(env?: Record<string, string>): Record<string, string | undefined>;
export function compilePrograms(): Promise<void>;
