// The network in one kernel: one workgroup reads the tokens tile by tile, through all layers. Between kernels nothing is handed over, which
// costs more than the arithmetic where WebGPU runs on the processor; a graphics card has more than enough for a model of this size.
//
// Shared: `s` holds what is multiplied next, token by token. An invocation keeps its rows of the vectors, `x`, to itself.
import { Kernel } from './kernel';
import { Products } from './products';
import { attention } from './attention';
import { ATTENTION, DOWN, EMBEDDING, GATED, KEYS, NORMS, OUT, TURNS, VALUES, scalesOf } from './layout';
import {
  ATTENTION_ROWS, CONTEXT, EPSILON, GATED_ROWS, GROUP, HEAD, HEADS, INNER, KEY_HEADS, LAYERS, TILE, VOCABULARY, WIDTH,
} from './shape';

/** How many rows of each kind an invocation has. Of queries, keys and values they are pairs, which are turned together. */
const OWN = WIDTH / GROUP, PAIRS = ATTENTION_ROWS / 2 / GROUP, GATES = INNER / GROUP;
const SCORES_AT_ONCE = 24;

/** `every`: the scores of each token's next word, and not only of the last one's. */
function reading(tokens: i32, every: bool = false): Kernel {
  // Rows that are multiplied at once share what was fetched of `s`, and tokens what was fetched of the matrix.
  const most = tokens == 1 ? 8 : 4, gates = tokens == 1 ? 10 : 2;
  const name = `${every ? 'verify' : 'read'}_${tokens}`;
  const code = `${SHARED.replace('#', (tokens * INNER).toString())}
@compute @workgroup_size(${GROUP}) fn ${name}(@builtin(local_invocation_index) i : u32) {
var x : array<f32, ${tokens * OWN}>;
var y : array<f32, ${tokens * max(2 * PAIRS, GATES)}>;
for (var first = 0u; first < u32(p.n); first += ${tokens}u) {
${embedded(tokens)}
for (var layer = 0u; layer < ${LAYERS}u; layer++) {
${normed(tokens, '2u * layer')}
${attentionInputs(tokens, 2 * most)}
${attention(tokens)}
${added(tokens, most, WIDTH, OUT)}
${normed(tokens, '2u * layer + 1u')}
${feedForward(tokens, gates)}
${added(tokens, most, INNER, DOWN)}
}
${every ? everyScore(tokens) : lastScore(tokens)}
}
}
`;
  return new Kernel(name)
    .reads('ids', 'i32').reads('words', 'u32').reads('numbers').writes('cache').writes('logits').number('n').number('position').code(code);
}

const SHARED = `var<workgroup> s : array<f32, #>;
var<workgroup> parts : array<f32, ${4 * GROUP}>;
fn four(at : u32) -> vec4f { return vec4f(s[at], s[at + 1u], s[at + 2u], s[at + 3u]); }
fn sums(i : u32) {
 workgroupBarrier();
 let sum = parts[4u * i] + parts[4u * i + 1u] + parts[4u * i + 2u] + parts[4u * i + 3u];
 workgroupBarrier();
 parts[i] = sum;
 workgroupBarrier();
}
fn sum_of(which : u32) -> f32 {
 var sum = 0.0;
 for (var k = which * ${GROUP / 4}u; k < (which + 1u) * ${GROUP / 4}u; k++) { sum += parts[k]; }
 return sum;
}
fn mosts(i : u32) {
 workgroupBarrier();
 let most = max(max(parts[4u * i], parts[4u * i + 1u]), max(parts[4u * i + 2u], parts[4u * i + 3u]));
 workgroupBarrier();
 parts[i] = most;
 workgroupBarrier();
}
fn most_of(which : u32) -> f32 {
 var most = parts[which * ${GROUP / 4}u];
 for (var k = which * ${GROUP / 4}u + 1u; k < (which + 1u) * ${GROUP / 4}u; k++) { most = max(most, parts[k]); }
 return most;
}
`;

/** The tile's last tokens may not exist: they are read as the last one that does, and leave no trace. */
function embedded(tokens: i32): string {
  return `for (var k = 0u; k < ${tokens * OWN}u; k++) {
 let id = u32(ids[min(first + k / ${OWN}u, u32(p.n) - 1u)]);
 let column = k % ${OWN}u * ${GROUP}u + i;
 x[k] = numbers[${scalesOf(EMBEDDING)}u + column / 32u * ${VOCABULARY}u + id] * unpack4x8snorm(words[${EMBEDDING / 4}u + column / 4u * ${VOCABULARY}u + id])[i % 4u];
}
`;
}

/** RMSNorm of the vectors, into `s`. */
function normed(tokens: i32, which: string): string {
  return `workgroupBarrier();
for (var t = 0u; t < ${tokens}u; t++) {
 var squares = 0.0;
 for (var r = t * ${OWN}u; r < (t + 1u) * ${OWN}u; r++) { squares += x[r] * x[r]; }
 parts[t * ${GROUP}u + i] = squares;
}
sums(i);
for (var t = 0u; t < ${tokens}u; t++) {
 let factor = inverseSqrt(sum_of(t) / ${WIDTH}.0 + ${EPSILON});
 for (var r = 0u; r < ${OWN}u; r++) {
  s[t * ${WIDTH}u + r * ${GROUP}u + i] = x[t * ${OWN}u + r] * factor * numbers[${NORMS}u + (${which}) * ${WIDTH}u + r * ${GROUP}u + i];
 }
}
workgroupBarrier();
`;
}

/** Rows that lie a workgroup apart. */
function apart(rows: i32): i32[] {
  const offsets: i32[] = [];
  for (let r = 0; r < rows; r++) offsets.push(r * GROUP);
  return offsets;
}

/** Queries into `s`, keys and values into the cache; queries and keys are turned by their position, neighbours in pairs. */
function attentionInputs(tokens: i32, most: i32): string {
  const offsets: i32[] = [];
  for (let r = 0; r < most / 2; r++) {
    offsets.push(r * 2 * GROUP);
    offsets.push(r * 2 * GROUP + 1);
  }
  const products = new Products(tokens, WIDTH, ATTENTION_ROWS, ATTENTION, 'layer', offsets);
  let text = `for (var step = 0u; step < ${2 * PAIRS}u; step += ${most}u) {\n${products.text(`step * ${GROUP}u + 2u * i`)}`;
  for (let t = 0; t < tokens; t++) for (let r = 0; r < most; r++) text += `y[${t * 2 * PAIRS + r}u + step] = y${t}_${r};\n`;
  return `${text}}
workgroupBarrier();
for (var k = 0u; k < ${tokens * PAIRS}u; k++) {
 let token = k / ${PAIRS}u;
 if (first + token >= u32(p.n)) { break; }
 let position = u32(p.position) + first + token;
 let row = k % ${PAIRS}u * ${2 * GROUP}u + 2u * i;
 let head = row / ${HEAD}u;
 let column = row % ${HEAD}u;
 let a = y[2u * k];
 let b = y[2u * k + 1u];
 if (head >= ${HEADS + KEY_HEADS}u) {
  let at = ${VALUES}u + ((layer * ${KEY_HEADS}u + head - ${HEADS + KEY_HEADS}u) * ${CONTEXT}u + position) * ${HEAD}u + column;
  cache[at] = a;
  cache[at + 1u] = b;
  continue;
 }
 let at = ${TURNS}u + position * ${HEAD}u + column;
 let turned = vec2f(a * numbers[at] - b * numbers[at + 1u], a * numbers[at + 1u] + b * numbers[at]);
 if (head >= ${HEADS}u) {
  let key = ${KEYS}u + ((layer * ${KEY_HEADS}u + head - ${HEADS}u) * ${HEAD}u + column) * ${CONTEXT}u + position;
  cache[key] = turned.x;
  cache[key + ${CONTEXT}u] = turned.y;
 } else {
  s[token * ${WIDTH}u + row] = turned.x * ${1.0 / Math.sqrt(<f64>HEAD)};
  s[token * ${WIDTH}u + row + 1u] = turned.y * ${1.0 / Math.sqrt(<f64>HEAD)};
 }
}
storageBarrier();
workgroupBarrier();
`;
}

/** Multiplies what is in `s`, and adds it to the vectors. */
function added(tokens: i32, most: i32, columns: i32, matrix: i32): string {
  const products = new Products(tokens, columns, WIDTH, matrix, 'layer', apart(most));
  let text = `for (var step = 0u; step < ${OWN}u; step += ${most}u) {\n${products.text(`step * ${GROUP}u + i`)}`;
  for (let t = 0; t < tokens; t++) for (let r = 0; r < most; r++) text += `x[${t * OWN + r}u + step] += y${t}_${r};\n`;
  return `${text}}\n`;
}

/** SwiGLU of what is in `s`, into `s`. */
function feedForward(tokens: i32, most: i32): string {
  const offsets = apart(most);
  for (let r = 0; r < most; r++) offsets.push(r * GROUP + INNER);
  const products = new Products(tokens, WIDTH, GATED_ROWS, GATED, 'layer', offsets);
  let text = `for (var step = 0u; step < ${GATES}u; step += ${most}u) {\n${products.text(`step * ${GROUP}u + i`)}`;
  for (let t = 0; t < tokens; t++) {
    for (let r = 0; r < most; r++) text += `y[${t * GATES + r}u + step] = y${t}_${r} / (1.0 + exp(-y${t}_${r})) * y${t}_${r + most};\n`;
  }
  return `${text}}
workgroupBarrier();
for (var k = 0u; k < ${tokens * GATES}u; k++) { s[k * ${GROUP}u + i] = y[k]; }
workgroupBarrier();
`;
}

/** Only the last tile has the last token. */
function lastScore(tokens: i32): string {
  return `if (first + ${tokens}u >= u32(p.n)) {
${normed(tokens, `${2 * LAYERS}u`)}
${scores('u32(p.n) - 1u - first', '0u')}
}
`;
}

function everyScore(tokens: i32): string {
  return `${normed(tokens, `${2 * LAYERS}u`)}
for (var token = 0u; token < min(${tokens}u, u32(p.n) - first); token++) {
${scores('token', `(first + token) * ${VOCABULARY}u`)}
}
`;
}

/** A number for every word of the vocabulary, of a token of the tile. `at`: where they go. */
function scores(token: string, at: string): string {
  const products = new Products(1, WIDTH, VOCABULARY, EMBEDDING, '0u', apart(SCORES_AT_ONCE));
  products.start = `(${token}) * ${WIDTH}u`;
  let text = `for (var row = i; row < ${VOCABULARY}u; row += ${SCORES_AT_ONCE * GROUP}u) {\n${products.text('row')}`;
  for (let r = 0; r < SCORES_AT_ONCE; r++) text += `logits[${at} + row + ${r * GROUP}u] = y0_${r};\n`;
  return `${text}}\n`;
}

export const readOne = reading(1), readTile = reading(TILE), verifyTile = reading(TILE, true);
