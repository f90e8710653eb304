/**
 * Which of the few base prices a model has: by the size of its file, which decides what a computer has to have to lend
 * it. For a model of the catalogue it is known; for others it is reckoned from the name on which its providers agree.
 */
import type { Offer } from '../wire/model-advert.ts';

export const PRICE_CLASSES = ['tiny', 'small', 'medium', 'large'] as const;
export type PriceClass = (typeof PRICE_CLASSES)[number];

const GB = 1_000_000_000;
/** The largest file of each class; `large` has none. */
const MOST_BYTES = { tiny: GB, small: 4 * GB, medium: 16 * GB } as const;
/** Numbers in which a weight is kept, where the name of the format does not say. */
const USUAL_BITS = 8;
/** No format has more. */
const MOST_BITS = 32;
/** Quantised files keep scales and some layers in more bits than they are named after. */
const [OVERHEAD, OF] = [11, 10];
const UNITS = { M: 1e6, B: 1e9, T: 1e12 } as const;
const PARAMETERS = /(?:(\d{1,3})x)?(\d{1,4}(?:\.\d{1,3})?)(M|B|T)(?![a-z0-9])/i;
const BITS = /(?:i?q|f|fp|int)(\d{1,2})(?!\d)/i;

export function classOf(sizeBytes: number): PriceClass {
  if (sizeBytes <= MOST_BYTES.tiny) return 'tiny';
  if (sizeBytes <= MOST_BYTES.small) return 'small';
  return sizeBytes <= MOST_BYTES.medium ? 'medium' : 'large';
}

/**
 * `sizeBytes`: by the catalogue; null: it is not there. A name that nobody but its providers vouches for earns nothing:
 * until receipts of others speak for the offer, it costs as little as the smallest.
 */
export function classOfOffer(offer: Pick<Offer, 'name' | 'quant' | 'proven'>, sizeBytes: number | null): PriceClass {
  if (sizeBytes !== null) return classOf(sizeBytes);
  const said = offer.proven === true ? sizeByName(offer) : null;
  return said === null ? 'tiny' : classOf(said);
}

/** The size of the file of "Qwen3 8B" at "q4"; null: the name does not tell. */
export function sizeByName({ name, quant }: Pick<Offer, 'name' | 'quant'>): number | null {
  const [, experts = '1', number, unit] = PARAMETERS.exec(name) ?? [];
  if (number === undefined || unit === undefined) return null;
  const parameters = Number(experts) * Number(number) * UNITS[unit.toUpperCase() as keyof typeof UNITS];
  const bits = Math.min(MOST_BITS, Math.max(1, Number(BITS.exec(quant)?.[1] ?? USUAL_BITS)));
  return Math.round((parameters * bits * OVERHEAD) / (8 * OF));
}
