/** Credits as the page writes them, everywhere. */
import { inCredits, MICRO, type Micro } from '@llmesh/core/ledger/credit';

/**
 * few: three digits after the point, or the first three that are no zero; rounded down, so that what is shown is there, and parts
 * add up to no more than the whole · most: the same rounded up, for what something costs at most · all: every digit, for what is
 * signed, and for who looks closer
 */
export type Digits = 'few' | 'most' | 'all';

const FEW = 3;

/** 1234250000 → "1,234.25", 100352 → "0.1" */
export function amount(micro: Micro, digits: Digits = 'few'): string {
  const [whole = '', part] = inCredits(digits === 'all' ? micro : shortened(micro, digits)).split('.');
  const grouped = whole.replaceAll(/(\d)(?=(?:\d{3})+$)/g, '$1,');
  return part === undefined ? grouped : `${grouped}.${part}`;
}

/** 1000000 → "1 credit" */
export function credits(micro: Micro, digits: Digits = 'few'): string {
  const shown = amount(micro, digits);
  return shown === '1' ? '1 credit' : `${shown} credits`;
}

/** What came, or went: 400000 → "+0.4", -400000 → "−0.4". */
export function change(micro: Micro, digits: Digits = 'few'): string {
  return micro > 0 ? `+${amount(micro, digits)}` : amount(micro, digits);
}

function shortened(micro: Micro, digits: 'few' | 'most'): Micro {
  const size = Math.abs(micro);
  const step = size >= MICRO ? MICRO / 10 ** FEW : 10 ** Math.max(0, String(size).length - FEW);
  const rest = size % step;
  const few = size - rest + (digits === 'most' && rest > 0 ? step : 0);
  return micro < 0 ? -few : few;
}
