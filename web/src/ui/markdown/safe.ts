/** HTML that our libraries made from a stranger's text: colours of code and MathML, and nothing else. */
import DOMPurify, { type Config } from 'dompurify';

const COLOURS: Config = { ALLOWED_TAGS: ['span'], ALLOWED_ATTR: ['class'] };
const FORMULA: Config = {
  ALLOWED_TAGS: (
    'math mrow mi mo mn ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mmultiscripts ' +
    'mprescripts mtable mtr mtd mstyle mpadded mphantom menclose'
  ).split(' '),
  ALLOWED_ATTR: (
    'display displaystyle scriptlevel mathvariant mathsize stretchy symmetric fence separator form largeop movablelimits ' +
    'accent accentunder lspace rspace minsize maxsize linethickness width height depth voffset columnspan rowspan notation class'
  ).split(' '),
};

const purifier = DOMPurify(window);

export function safeColours(html: string): DocumentFragment {
  return purified(html, COLOURS);
}

export function safeFormula(mathml: string): DocumentFragment {
  return purified(mathml, FORMULA);
}

function purified(markup: string, config: Config): DocumentFragment {
  return purifier.sanitize(markup, {
    ...config,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    RETURN_DOM_FRAGMENT: true,
  });
}
