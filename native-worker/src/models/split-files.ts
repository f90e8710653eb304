/** Large models come as several files, `name-00001-of-00004.gguf`; llama.cpp is given the first and finds the others. */
import { MAX_PARTS } from '@llmesh/core/gguf/gguf-model-check';

const PART = /-(\d{5})-of-(\d{5})\.gguf$/i;

/** The names of all parts, beginning with the first; just `name` when it is a whole file. */
export function splitParts(name: string): string[] {
  const [suffix, , count] = PART.exec(name) ?? [];
  const parts = Number(count ?? 1);
  if (suffix === undefined || parts < 2 || parts > MAX_PARTS) return [name];
  const stem = name.slice(0, -suffix.length);
  return Array.from({ length: parts }, (_, i) => `${stem}${partSuffix(i + 1, parts)}`);
}

/** Whether the name says that there are several parts. */
export function isPart(name: string): boolean {
  return Number(PART.exec(name)?.[2] ?? 1) !== 1;
}

/** "-00002-of-00004.gguf", or ".gguf" for a single file. */
export function partSuffix(part: number, parts: number): string {
  if (parts === 1) return '.gguf';
  return `-${String(part).padStart(5, '0')}-of-${String(parts).padStart(5, '0')}.gguf`;
}

/** The name without the suffix that distinguishes the parts. */
export function withoutPart(name: string): string {
  return name.replace(PART, '').replace(/\.gguf$/i, '');
}
