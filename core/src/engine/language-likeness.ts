/**
 * Whether a text could be somebody's words, in whatever language: what kernels write that are broken is varied at times, but
 * it mixes scripts and signs, and has none of the small words that every sentence needs.
 */

/** Less says too little. */
const MIN_CHARACTERS = 12;
const MIN_LETTERS = 0.6;
/** The share of the letters that belong to one script, or to scripts that are written together. */
const MIN_ONE_SCRIPT = 0.85;
const MIN_SMALL_WORDS = 0.06;
/** In one sentence no word, or sign of a script without spaces, comes that often. */
const MAX_OF_ONE_WORD = 0.4;

/** The names of scripts as in Unicode. Where words are not set apart, the signs that hold a sentence together stand for them. */
const SCRIPTS: readonly { letters: RegExp; small: ReadonlySet<string>; spaced: boolean }[] = [
  {
    letters: /\p{Script=Latin}/gu,
    small: words(
      'the a an of and to in is are that it for on with as at by or not be can this you i what there ' +
        'der die das ein eine und ist sind in zu von mit den nicht es ich sie im auf ' +
        'le la les un une et est de du des en que qui dans pour pas je il ' +
        'el los las una y es en del por para con no se que lo ' +
        'o os um uma e do da em il lo gli di che non per sono un è ' +
        'het een van en dat niet op te och att som i det på är og ikke ' +
        'w z na nie jest się do to ve bir bu da için dan yang ini',
    ),
    spaced: true,
  },
  { letters: /\p{Script=Cyrillic}/gu, small: words('и в не на что с это я как по к из у за о та що це'), spaced: true },
  {
    letters: /\p{Script=Arabic}/gu,
    small: words('في من على إلى أن هو هي ما و لا هذا که در از به است و این'),
    spaced: true,
  },
  { letters: /\p{Script=Devanagari}/gu, small: words('है के का की में से और को यह हैं पर'), spaced: true },
  { letters: /\p{Script=Greek}/gu, small: words('και το η ο της του να είναι με για την'), spaced: true },
  { letters: /\p{Script=Hebrew}/gu, small: words('של את על הוא היא לא זה עם כי'), spaced: true },
  { letters: /\p{Script=Hangul}/gu, small: signs('은는이가을를의에다고로도'), spaced: false },
  {
    letters: /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/gu,
    small: signs('的是一了不在有和人我他这這个個のはをにがでとも'),
    spaced: false,
  },
  { letters: /\p{Script=Thai}/gu, small: signs('าเนรกอ'), spaced: false },
];

export function isLanguageLike(text: string): boolean {
  const written = text.match(/[^\s\d]/gu) ?? [];
  const letters = written.filter((sign) => /[\p{L}\p{M}]/u.test(sign));
  if (letters.length < MIN_CHARACTERS || letters.length < MIN_LETTERS * written.length) return false;
  const script = SCRIPTS.find(({ letters: own }) => (text.match(own)?.length ?? 0) >= MIN_ONE_SCRIPT * letters.length);
  if (script === undefined) return false;
  const units = script.spaced ? (text.toLowerCase().match(/[\p{L}\p{M}]+/gu) ?? []) : letters;
  const small = units.filter((unit) => script.small.has(unit)).length;
  return small >= MIN_SMALL_WORDS * units.length && most(units) <= MAX_OF_ONE_WORD * units.length;
}

/** How often the commonest comes. */
function most(units: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const unit of units) counts.set(unit, (counts.get(unit) ?? 0) + 1);
  return Math.max(...counts.values());
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(' '));
}

function signs(list: string): ReadonlySet<string> {
  return new Set(list);
}
