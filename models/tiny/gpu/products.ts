// WGSL that multiplies what is in `s` with rows of a matrix. As in the file, 32 numbers of a row share a scale; here they lie by columns, four to a
// word, so that neighbours in a workgroup read neighbouring words. WGSL makes 127 a 1 when it unpacks them, so the scales are 127 times as large.
import { scalesOf } from './layout';

const BLOCK = 32;

export class Products {
  /** Where the first token begins in `s`. */
  start: string = '0u';

  /**
   * `matrix`: where its numbers begin. `layer`: which of the matrices that follow each other there. `offsets`: the rows that an invocation
   * multiplies at once, behind its first.
   */
  constructor(private tokens: i32, private columns: i32, private rows: i32, private matrix: i32, private layer: string, private offsets: i32[]) {}

  /** Declares the sums: `y0_0` is that of the first token and row. `first`: an invocation's first row. */
  text(first: string): string {
    const rows = this.offsets.length;
    let text = '';
    for (let t = 0; t < this.tokens; t++) for (let r = 0; r < rows; r++) text += `var y${t}_${r} = 0.0;\n`;
    text += `{\nvar word = ${this.matrix / 4}u + ${this.layer} * ${this.rows * this.columns / 4}u + ${first};\n`;
    text += `var scale = ${scalesOf(this.matrix)}u + ${this.layer} * ${this.rows * this.columns / BLOCK}u + ${first};\n`;
    text += `let start = ${this.start};\nfor (var k = start; k < start + ${this.columns}u; k += ${BLOCK}u) {\n`;
    for (let t = 0; t < this.tokens; t++) for (let r = 0; r < rows; r++) text += ` var b${t}_${r} = 0.0;\n`;
    text += ` for (var c = k; c < k + ${BLOCK}u; c += 4u) {\n`;
    for (let t = 0; t < this.tokens; t++) text += `  let v${t} = four(c + ${t * this.columns}u);\n`;
    for (let r = 0; r < rows; r++) {
      text += `  { let w = unpack4x8snorm(words[word + ${this.offsets[r]}u]);`;
      for (let t = 0; t < this.tokens; t++) text += ` b${t}_${r} += dot(w, v${t});`;
      text += ' }\n';
    }
    text += `  word += ${this.rows}u;\n }\n`;
    for (let r = 0; r < rows; r++) {
      text += ` { let d = numbers[scale + ${this.offsets[r]}u];`;
      for (let t = 0; t < this.tokens; t++) text += ` y${t}_${r} += d * b${t}_${r};`;
      text += ' }\n';
    }
    return `${text} scale += ${this.rows}u;\n}\n}\n`;
  }
}
