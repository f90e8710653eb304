/** When evidence against a provider has which consequence, as log10 of an e-value. */

/** One in 20 by accident: it gets fewer questions and more checks. */
export const SUSPECTED_LOG10 = Math.log10(20);
/** One in ten thousand: it gets no questions of strangers. */
export const QUARANTINED_LOG10 = 4;
/** One in a million, by two independent auditors. */
export const CONVICTED_LOG10 = 6;
/** However many answers agreed, evidence against it need not climb from lower than this. */
export const FLOOR_LOG10 = -2;
