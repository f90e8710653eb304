// WGSL that multiplies what is in `s` with the rows of a matrix. As in the file, 32 numbers of a row share a scale; here they lie by columns, four
// to a word, and the words of four rows beside each other. A number stays in the highest byte when it is unpacked: it is 2^24 times as large, and the
// scales are as much smaller. Words are multiplied and not shifted, because SwiftShader shifts the lanes of a vector one by one.
import { GROUP } from './shape';

const WORDS_OF_BLOCK = 8;

export const UNPACKED = `fn unpacked(w : u32) -> vec4f {
 return vec4f(f32(i32(w * 0x1000000u)), f32(i32((w * 0x10000u) & 0xff000000u)), f32(i32((w * 0x100u) & 0xff000000u)), f32(i32(w & 0xff000000u)));
}
`;

/**
 * `fours`: so many fours of rows are multiplied at once, which share what was fetched of `s`. The matrix is in the variables `words_at`,
 * `scales_at`, `columns`, `rows` and `steps`, in fours. The sums go into `y`.
 */
export function products(fours: i32): string {
  const rows = fours * 4;
  let text = `for (var step = 0u; step < steps; step++) {
var word = words_at + step * ${fours * GROUP}u + i;
var scale = scales_at + step * ${fours * GROUP}u + i;
`;
  for (let r = 0; r < rows; r++) text += `var y${r} = 0.0;\n`;
  text += `for (var k = 0u; k < columns; k += ${WORDS_OF_BLOCK}u) {\n`;
  for (let r = 0; r < rows; r++) text += ` var b${r} = 0.0;\n`;
  text += ` for (var c = k; c < k + ${WORDS_OF_BLOCK}u; c++) {\n  let v = s[c];\n`;
  for (let f = 0; f < fours; f++) {
    text += `  let w${f} = words[word + ${f * GROUP}u];\n`;
    for (let n = 0; n < 4; n++) text += `  b${f * 4 + n} += dot(unpacked(w${f}[${n}]), v);\n`;
  }
  text += '  word += rows;\n }\n';
  for (let f = 0; f < fours; f++) {
    text += ` let d${f} = numbers[scale + ${f * GROUP}u];\n`;
    for (let n = 0; n < 4; n++) text += ` y${f * 4 + n} += d${f}[${n}] * b${f * 4 + n};\n`;
  }
  text += ' scale += rows;\n}\n';
  for (let f = 0; f < fours; f++) {
    const r = f * 4;
    text += `y[step * ${fours}u + ${f}u] = vec4f(y${r}, y${r + 1}, y${r + 2}, y${r + 3});\n`;
  }
  return `${text}}\n`;
}
