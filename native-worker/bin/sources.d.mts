export const NOTE: string;
export function load(module: string): Promise<void>;
export function isCompiled(packages: readonly string[]): boolean;
