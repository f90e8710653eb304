/** How large a text is for a model and for the mesh, without the model's own vocabulary: an estimate, to be scaled by what is known. */

export interface TextSize {
  tokens: number;
  /** Exactly, as UTF-8. */
  bytes: number;
}

/** Tokens a character, as the vocabularies of today have it: words of Latin letters are cheap, what is rare in their texts is not. */
const [LETTER, DIGIT, SIGN, BLANK, ALPHABET, IDEOGRAPH] = [0.25, 0.5, 0.55, 0.05, 0.5, 1];

const ASCII = Float32Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  if (/[a-z]/i.test(char)) return LETTER;
  if (/\d/.test(char)) return DIGIT;
  return char === ' ' ? BLANK : SIGN;
});

export function textSize(text: string): TextSize {
  let tokens = 0;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) {
      tokens += ASCII[code]!;
      bytes += 1;
    } else if (code < 0x800) {
      tokens += ALPHABET;
      bytes += 2;
    } else if (isSurrogate(code)) {
      // One half of an emoji, or of a rare character: three tokens for both.
      tokens += 1.5 * IDEOGRAPH;
      bytes += 2;
    } else {
      tokens += code < 0x2e80 ? ALPHABET : IDEOGRAPH;
      bytes += 3;
    }
  }
  return { tokens: Math.ceil(tokens), bytes };
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff;
}
