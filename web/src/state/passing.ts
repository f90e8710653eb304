/**
 * Why the name of this visit does not last. insecure: the page came over plain http · elsewhere: another tab has the lasting one ·
 * unkept: this browser keeps nothing for this page
 */
export type Passing = 'insecure' | 'elsewhere' | 'unkept';
