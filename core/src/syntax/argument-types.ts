/** Models that write arguments between tags put no quotes around texts: only the schema tells "12" from 12. */
import { parsedJson } from './json-slices.ts';
import type { Tool } from './tools.ts';

/** The argument as JSON. `written`: as it stands between its tags. */
export function argumentText(tools: readonly Tool[], name: string, key: string, written: string): string {
  const kinds = kindsOf(schemaOf(tools, name, key));
  const value = parsedJson(written.trim());
  const mayBeText = kinds.size === 0 || kinds.has('string');
  if (value === undefined) return JSON.stringify(written);
  if (!mayBeText || kinds.size === 0) return written.trim();
  const kind = kindOf(value);
  const fits = kind !== 'string' && (kinds.has(kind) || (kind === 'number' && kinds.has('integer')));
  return fits ? written.trim() : JSON.stringify(written);
}

function schemaOf(tools: readonly Tool[], name: string, key: string): unknown {
  const parameters: unknown = tools.find((tool) => tool.name === name)?.parameters;
  return member(member(parameters, 'properties'), key);
}

function kindsOf(schema: unknown): ReadonlySet<string> {
  const type = member(schema, 'type');
  const types = Array.isArray(type) ? type : [type];
  const either = ['anyOf', 'oneOf'].flatMap((key) => listOf(member(schema, key)));
  const values = [member(schema, 'const'), ...listOf(member(schema, 'enum'))].filter((one) => one !== undefined);
  return new Set([
    ...types.filter((one) => typeof one === 'string'),
    ...either.map((one) => member(one, 'type')).filter((one) => typeof one === 'string'),
    ...values.map(kindOf),
  ]);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function member(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
