/** Credits as the page writes them: every digit that counts, never rounded. */
import { inCredits, MICRO, type Micro } from '@llmesh/core/ledger/credit';

/** 1234250000 → "1,234.25" */
export function amount(micro: Micro): string {
  const [whole = '', part] = inCredits(micro).split('.');
  const grouped = whole.replaceAll(/(\d)(?=(?:\d{3})+$)/g, '$1,');
  return part === undefined ? grouped : `${grouped}.${part}`;
}

/** 1000000 → "1 credit" */
export function credits(micro: Micro): string {
  return `${amount(micro)} ${micro === MICRO ? 'credit' : 'credits'}`;
}

/** What came, or went: 400000 → "+0.4", -400000 → "−0.4". */
export function change(micro: Micro): string {
  return micro > 0 ? `+${amount(micro)}` : amount(micro);
}
