/** An answer as it is shown: a tree of blocks, whose leaves are runs of text. No HTML is ever made of it. */

export type Block =
  | { kind: 'paragraph'; inlines: Inline[] }
  | { kind: 'heading'; depth: number; inlines: Inline[] }
  /** `start`: the number of the first item; null for bullets. */
  | { kind: 'list'; start: number | null; loose: boolean; items: Block[][] }
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'note'; label: string; blocks: Block[] }
  | { kind: 'code'; language: string; text: string }
  | { kind: 'table'; align: ('center' | 'left' | 'right' | null)[]; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' }
  /** Shown as it was written. `tooLong`: formatting it would take too long. */
  | { kind: 'plain'; text: string; tooLong: boolean };

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'break' }
  | { kind: 'strong' | 'em' | 'del'; inlines: Inline[] }
  | { kind: 'code'; text: string }
  | { kind: 'link'; href: string; leads: string; warns: boolean; inlines: Inline[] }
  /** A target that is no address, or none that is safe to open. */
  | { kind: 'dead'; leads: string; inlines: Inline[] }
  | { kind: 'formula'; tex: string; display: boolean; source: string }
  | { kind: 'noteref'; label: string };
