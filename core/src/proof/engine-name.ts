/** Which program computed an answer, on what: honest engines differ in the last bits, each pair of them in its own way. */
import { BACKENDS, type Backend, type ModelAdvert } from '../wire/model-advert.ts';

export const ENGINE_PROGRAMS = ['llama.cpp', 'web-llm', 'wllama'] as const;
export type EngineName = `${(typeof ENGINE_PROGRAMS)[number]}/${Backend}`;

const NAMES: ReadonlySet<string> = new Set(
  ENGINE_PROGRAMS.flatMap((program) => BACKENDS.map((backend) => `${program}/${backend}`)),
);

export function engineNameOf({ format, backend }: Pick<ModelAdvert, 'format' | 'backend'>): EngineName {
  const program = format === 'mlc' ? 'web-llm' : backend === 'wasm' ? 'wllama' : 'llama.cpp';
  return `${program}/${backend}`;
}

export function isEngineName(value: unknown): value is EngineName {
  return typeof value === 'string' && NAMES.has(value);
}
