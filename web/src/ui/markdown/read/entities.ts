/** `&eacute;` and `&#233;` as the characters that they stand for. */

const ENTITY = /&(?:#\d{1,7}|#[xX][\da-fA-F]{1,6}|[a-zA-Z][a-zA-Z\d]{1,31});/g;
const known = new Map<string, string>();
/** It never stands in the page, and what is in a textarea is text. */
const reader = document.createElement('textarea');

export function decoded(text: string): string {
  return text.includes('&') ? text.replace(ENTITY, (entity) => character(entity)) : text;
}

function character(entity: string): string {
  let found = known.get(entity);
  if (found === undefined) {
    reader.innerHTML = entity;
    found = reader.value;
    if (known.size < 4_000) known.set(entity, found);
  }
  return found;
}
