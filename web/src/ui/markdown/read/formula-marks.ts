/** `\(…\)`, `\[…\]`, `$$…$$` and, where it is surely mathematics, `$…$`, before Markdown takes the backslashes away. */
import type { TokenizerExtension, Tokens } from 'marked';
import { FORMULA_CHARS } from './limits.ts';

export interface FormulaToken extends Tokens.Generic {
  type: 'formula';
  tex: string;
  display: boolean;
}

const SPAN = 500;
const PAIRS: [RegExp, boolean][] = [
  [new RegExp(`^\\\\\\(((?:[^\\\\\\n]|\\\\(?!\\))[^\\n]){1,${SPAN}}?)\\\\\\)`), false],
  [new RegExp(`^\\\\\\[([^]{1,${FORMULA_CHARS}}?)\\\\\\]`), true],
  [new RegExp(`^\\$\\$([^$]{1,${FORMULA_CHARS}}?)\\$\\$`), true],
];
const DOLLARS = new RegExp(`^\\$(?![\\s$])([^$\\n\`]{1,${SPAN}})(?<![\\s\\\\])\\$(?![\\w$])`);
const OWN_LINES = new RegExp(
  `^ {0,3}(?:\\$\\$([^$]{1,${FORMULA_CHARS}}?)\\$\\$|\\\\\\[([^]{1,${FORMULA_CHARS}}?)\\\\\\])[ \\t]*(?:\\n|$)`,
);
const BEGINS_LINE = /\n {0,3}(?:\$\$|\\\[)/;
/** Of a formula whose end is still being written. */
const BEGUN = new RegExp(
  `^(?:\\\\\\([^\\n]{0,${SPAN}}|\\\\\\[[^]{0,${FORMULA_CHARS}}|\\$\\$[^$]{0,${FORMULA_CHARS}})$`,
);

/** `writing`: whether the end of the text may be the middle of a formula. */
export function formulaMarks(writing: () => boolean): TokenizerExtension[] {
  return [
    {
      name: 'formulaBlock',
      level: 'block',
      start: (source) => BEGINS_LINE.exec(source)?.index,
      tokenizer: (source) => {
        const found = OWN_LINES.exec(source);
        const tex = found?.[1] ?? found?.[2];
        return found === null || tex === undefined || tex.trim() === '' ? undefined : formula(found[0], tex, true);
      },
    },
    {
      name: 'formula',
      level: 'inline',
      start: (source) => {
        const at = source.search(/\$|\\[([]/);
        return at === -1 ? undefined : at;
      },
      tokenizer: (source) => {
        if (source[0] !== '$' && source[0] !== '\\') return undefined;
        for (const [pattern, display] of PAIRS) {
          const found = pattern.exec(source);
          if (found !== null && found[1]!.trim() !== '') return formula(found[0], found[1]!, display);
        }
        const inDollars = DOLLARS.exec(source);
        if (inDollars !== null && isMathematics(inDollars[1]!)) return formula(inDollars[0], inDollars[1]!, false);
        const begun = writing() ? BEGUN.exec(source) : null;
        return begun === null ? undefined : { type: 'text', raw: begun[0], text: begun[0], escaped: true };
      },
    },
  ];
}

/** Not a price, nor the name of a variable in a shell. */
export function isMathematics(between: string): boolean {
  if (/^[a-zA-Z]'*$|^[-+]?\d+(?:[.,]\d+)?$/.test(between)) return true;
  const words = between.replaceAll(/\\(?:text|mathrm|operatorname)\s*\{[^}]*\}|\\[a-zA-Z]+/g, ' ');
  const hasWords = /[a-zA-Z]{3}/.test(words.replaceAll(/\b(?:sin|cos|tan|log|exp|lim|max|min|mod|gcd|det)\b/g, ''));
  if (/\\[a-zA-Z]|[_^]\{?[\w\\({-]/.test(between)) return !(hasWords && /^\d/.test(between));
  return !hasWords && /[=<>+*/|!(),-]/.test(between) && /[a-zA-Z\d]/.test(between);
}

function formula(raw: string, tex: string, display: boolean): FormulaToken {
  return { type: 'formula', raw, tex: tex.trim(), display };
}
