/** Checks values against the JSON schemas of strangers, whose patterns and references may take for ever. */
import { Validator, type Schema } from '@cfworker/json-schema';
import type { Job } from './jobs.ts';

const MAX_FAULTS = 5;
/** What says what is wrong stands deepest; the others say that something inside is. */
const OUTER = new Set([
  'properties',
  'items',
  'prefixItems',
  '$ref',
  'allOf',
  'additionalProperties',
  'patternProperties',
]);

/** What is wrong with each value, one text a value; "": nothing. */
export async function valueJob(job: Job): Promise<string[]> {
  if (job.kind !== 'values') throw new Error('That is for the other process.');
  return job.values.map(({ schema, value }) => faultOf(JSON.parse(schema) as Schema, JSON.parse(value)));
}

function faultOf(schema: Schema, value: unknown): string {
  const { valid, errors } = new Validator(schema, draftOf(schema), false).validate(value);
  if (valid) return '';
  const inner = errors.filter(({ keyword }) => !OUTER.has(keyword));
  const told = (inner.length === 0 ? errors : inner).slice(0, MAX_FAULTS);
  return told
    .map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`)
    .join('\n')
    .slice(0, 2_048);
}

/** The words of one draft mean something else in another. */
function draftOf({ $schema = '', definitions }: Schema): '4' | '7' | '2019-09' | '2020-12' {
  if ($schema.includes('draft-04')) return '4';
  if (/draft-0[67]/.test($schema) || ($schema === '' && definitions !== undefined)) return '7';
  return $schema.includes('2019-09') ? '2019-09' : '2020-12';
}
