import { expect, it } from 'vitest';
import { asCsv, asMarkdownTable } from './table-text.ts';

it('a table leaves as CSV, and no program takes what a model wrote for a formula', () => {
  const rows = [
    ['animal', 'kg, about'],
    ['"sea" otter', '-45.5'],
    ['=HYPERLINK("https://evil.example")', '@x'],
    ['two\nlines', '+12 %'],
  ];
  expect(asCsv(rows)).toBe(
    'animal,"kg, about"\r\n"""sea"" otter",-45.5\r\n"\'=HYPERLINK(""https://evil.example"")",\'@x\r\n"two\nlines",\'+12 %\r\n',
  );
});

it('a table leaves as Markdown, and nothing in a cell ends it', () => {
  expect(
    asMarkdownTable([
      ['a|b', 'c'],
      ['x\ny', String.raw`\|`],
    ]),
  ).toBe(['| a\\|b | c |', '| --- | --- |', '| x y | \\\\\\| |', ''].join('\n'));
});
