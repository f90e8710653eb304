/** Some providers do not say that their model thinks; its first word does. The names are those of `THOUGHTS` in core/syntax. */
const OPENS = /^\s*<(think|thinking|thought|reasoning)>/;
/** A mark that comes later is one that the model speaks of. */
const FIRST_CHARS = 64;
const UNSAID = 'unsaid-';

/** How a text is to be read of which nobody said so; undefined where all of it is said, as far as it goes. */
export function unsaidSyntax(text: string): string | undefined {
  const name = OPENS.exec(text.slice(0, FIRST_CHARS))?.[1];
  return name === undefined ? undefined : `${UNSAID}${name}`;
}

/** The name by which core knows the syntax. */
export function knownSyntax(syntax: string): string {
  return syntax.startsWith(UNSAID) ? `none-${syntax.slice(UNSAID.length)}` : syntax;
}

/** What a provider said of it; null: nothing. */
export function saidSyntax(syntax: string): string | null {
  return syntax.startsWith(UNSAID) ? null : syntax;
}
