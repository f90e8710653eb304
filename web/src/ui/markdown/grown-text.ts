/** Text in the page that is still being written. Growing or shrinking at its end leaves what a person selected in it alone. */
export function setText(node: CharacterData, text: string): void {
  const { data } = node;
  if (text.startsWith(data)) {
    if (text.length > data.length) node.appendData(text.slice(data.length));
  } else if (data.startsWith(text)) node.deleteData(text.length, data.length - text.length);
  else node.data = text;
}

/** A Svelte action: the text of this element. */
export function grownText(element: HTMLElement, text: string) {
  const node = document.createTextNode(text);
  element.append(node);
  return { update: (next: string) => setText(node, next) };
}
