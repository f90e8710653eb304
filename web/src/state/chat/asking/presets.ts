/** Ways of asking that the person has given names. */
import * as v from 'valibot';
import type { Named, NamedKind, NamedRecords } from '../../kept/named-records.svelte.ts';
import { AskingSchema, type Asking } from './asking.ts';

const MOST = 100;

export const PRESETS = {
  prefix: 'preset/',
  schema: v.object({ asking: AskingSchema }),
  most: MOST,
  full: `There are ${MOST} presets already. Delete one first.`,
} satisfies NamedKind<{ asking: Asking }>;

export type Preset = Named<{ asking: Asking }>;
export type Presets = NamedRecords<{ asking: Asking }>;
