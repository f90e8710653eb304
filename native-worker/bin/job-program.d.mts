export function jobProgram(): Promise<{ file: string; reads: string[] }>;
