/** A table of an answer as other programs take it. Each row is a list of cells, the head first. */

/** As CSV (RFC 4180). What a table program would take for a formula is text: a model wrote it. */
export function asCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(csvCell).join(',')}\r\n`).join('');
}

export function asMarkdownTable(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows.map((row) => `| ${row.map(markdownCell).join(' | ')} |`);
  return `${[head, `| ${(rows[0] ?? []).map(() => '---').join(' | ')} |`, ...body].join('\n')}\n`;
}

/**
 * All rows of the table that is drawn here. A long one is drawn in parts, each with the same head, one after the other: they are one
 * table.
 */
export function rowsOf(part: Element): string[][] {
  const parts = [...(part.closest('.prose')?.querySelectorAll('.mdtable') ?? [part])];
  const at = parts.indexOf(part);
  const head = headOf(part);
  const isSame = (one: Element | undefined, next: Element | undefined) =>
    one !== undefined && next !== undefined && headOf(one) === head && headOf(next) === head && follows(one, next);
  let [first, last] = [at, at];
  while (isSame(parts[first - 1], parts[first])) first -= 1;
  while (isSame(parts[last], parts[last + 1])) last += 1;
  const rows = parts.slice(first, last + 1).flatMap((one, i) => [...one.querySelectorAll('tr')].slice(i === 0 ? 0 : 1));
  return rows.map((row) => [...row.querySelectorAll('th, td')].map((cell) => cell.textContent.trim()));
}

function headOf(part: Element): string {
  return part.querySelector('thead')?.textContent ?? '';
}

/** Whether the one ends its section, and the other begins the next. */
function follows(one: Element, next: Element): boolean {
  const [before, after] = [one.closest('.prose__section'), next.closest('.prose__section')];
  if (before === null || after === null || before.nextElementSibling !== after) return false;
  const [blocks, others] = [before.querySelectorAll('.mdtable'), after.querySelectorAll('.mdtable')];
  return blocks[blocks.length - 1] === one && others[0] === next;
}

function csvCell(text: string): string {
  const isNumber = /^[-+]?[\d.,]+%?$/.test(text);
  const plain = /^[=+\-@\t\r]/.test(text) && !isNumber ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function markdownCell(text: string): string {
  return text.replaceAll(/[\\|]/g, String.raw`\$&`).replaceAll(/\s+/g, ' ');
}
