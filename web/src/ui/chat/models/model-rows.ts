/** What the picker shows of each model that may run the next question. Unknown facts are left out. */
import { plural } from '../../../language/plural.ts';
import type { CatalogueModel, Fit, Probe } from '@llmesh/core/policy/catalogue';
import type { Offer } from '@llmesh/core/wire/model-advert';
import { offerName } from '@llmesh/core/policy/offer-name';
import type { Choice } from '../../../state/device/this-device.svelte.ts';
import type { AskedModel } from '../../../state/chat/turn.ts';
import { askedName } from '../../../state/offers.svelte.ts';
import type { Scope } from '../../../state/scope.ts';
import { bytes, speed } from '../../parts/format.ts';
import { pace, wait, whoHas } from './offer-facts.ts';

export interface ModelRow {
  /** The id by which it is picked: `offerName`, or the id of a model of this device. */
  id: string;
  name: string;
  quant: string;
  /** The beginning of its SHA-256, where another model has the same name; null: the name is unique. */
  hash: string | null;
  summary: string | null;
  /** The cells under the three heads of the list. */
  cells: readonly [string, string, string];
  /** Of a model of this device: the list says in the middle cell what it would run on. null: it is not one. */
  here: { model: CatalogueModel; probe: Probe } | null;
  /** What the closed field says. */
  facts: readonly string[];
  /** Nobody has it: it stays visible and cannot be picked. */
  off: boolean;
  /** Can this device run it? null: not known, or irrelevant. */
  fit: { yes: boolean; word: string; fact: string; why: string } | null;
}

export const HEADS = {
  mesh: ['Who has it', 'Wait', 'Speed'],
  device: ['On this device', 'Runs on', 'Speed'],
} as const;

/** `trustedCount`: how many trusted volunteers lend it, where only they may run it; null: not known. */
export function offerRow(
  offer: Offer,
  summary: string | null,
  fit: Fit | null,
  trustedCount: number | null | undefined,
  hash: string | null = null,
): ModelRow {
  const who = trustedCount === undefined ? whoHas(offer) : trustedWords(offer, trustedCount);
  const cells = [who, wait(offer), pace(offer)] as const;
  const shown = fit === null ? null : fitWords(fit);
  const facts = [...cells, shown?.fact ?? ''].filter((fact) => fact !== '');
  const { name, quant } = offer;
  return {
    id: offerName(offer),
    name,
    quant,
    hash,
    summary,
    cells,
    here: null,
    facts,
    off: offer.providers === 0,
    fit: shown,
  };
}

export function localRow({ model, kept, tokensPerSecond }: Choice, probe: Probe): ModelRow {
  const size = bytes(model.sizeBytes);
  const here = kept?.whole ? /* @wc-include */ 'downloaded' : kept === null ? `${size} to get` : `${size}, begun`;
  const measured = tokensPerSecond === null ? '' : speed(tokensPerSecond);
  const cells = [here, '', measured] as const;
  const facts = ['this device', here, measured].filter((fact) => fact !== '');
  const { id, name, quant, summary } = model;
  return { id, name, quant, hash: null, summary, cells, here: { model, probe }, facts, off: false, fit: null };
}

/** A model that is wanted, and that nobody of those who may answer has now. */
export function absentRow(model: AskedModel, scope: Scope): ModelRow {
  const { name, quant } = model;
  const who = scope === 'device' ? 'not on this device' : 'nobody right now';
  const facts = [who];
  return {
    id: askedName(model),
    name,
    quant,
    hash: null,
    summary: null,
    cells: [who, '', ''],
    here: null,
    facts,
    off: true,
    fit: null,
  };
}

function trustedWords(offer: Offer, trustedCount: number | null): string {
  if (trustedCount === null) return whoHas(offer);
  if (trustedCount === 0) return 'none you trust';
  return plural(trustedCount, ['one you trust', '# you trust']);
}

function fitWords(fit: Fit): NonNullable<ModelRow['fit']> {
  if (fit.fits) return { yes: true, word: 'Fits this device', fact: 'fits this device', why: '' };
  return fit.tooBig === true
    ? { yes: false, word: 'Too big here', fact: 'too big for this device', why: fit.why }
    : { yes: false, word: 'Not on this device', fact: 'not for this device', why: fit.why };
}
