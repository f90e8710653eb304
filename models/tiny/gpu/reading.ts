// The network in one kernel: one workgroup reads the tokens tile by tile, through all layers. Between kernels nothing is handed over, which
// costs more than the arithmetic where WebGPU runs on the processor; a graphics card has more than enough for a model of this size.
//
// There, compiling takes longer than anything else, and much longer for long kernels. So the products of all matrices are one piece of code, in a loop
// of phases that take their matrix from tables. What only some phases do stands in loops of one turn or none: SwiftShader computes both
// sides of a branch, and throws one away, but skips a loop.
//
// Shared: `s` holds what is multiplied next, token by token. An invocation keeps its fours of the vectors, `x`, to itself.
import { Kernel } from './kernel';
import { UNPACKED, products } from './products';
import { attention } from './attention';
import { ATTENTION, DOWN, EMBEDDING, GATED, KEYS, NORMS, OUT, TURNS, VALUES, scalesOf } from './layout';
import {
  ATTENTION_ROWS, CONTEXT, EPSILON, FOUR, GATED_ROWS, GROUP, HEAD, HEADS, INNER, KEY_HEADS, LAYERS, TILE, VOCABULARY, WIDTH,
} from './shape';

/** How many fours of each kind an invocation has. */
const OWN = WIDTH / FOUR / GROUP, GATES = INNER / FOUR / GROUP, SCORES = VOCABULARY / FOUR / GROUP;
/** The fours of a token in `s`. */
const APART = INNER / FOUR;

/** Phases of a layer, and the one behind all layers. What comes of the others, the odd ones, is added to the vectors. */
const INPUTS = 0, GATING = 2, SCORING = 4;

/** `fours`: so many fours of rows are multiplied at once. Its `every` is 1 where each token's scores are wanted, and not only the last one's. */
function reading(tokens: i32, fours: i32): Kernel {
  const name = `read_${tokens}`;
  const code = `${UNPACKED}${tables(fours)}
var<workgroup> s : array<vec4f, ${tokens * APART}>;
var<workgroup> parts : array<vec4f, ${GROUP}>;
@compute @workgroup_size(${GROUP}) fn ${name}(@builtin(local_invocation_index) i : u32) {
var x : array<vec4f, ${tokens * OWN}>;
var y : array<vec4f, ${tokens * SCORES}>;
for (var first = 0u; first < u32(p.n); first += ${tokens}u) {
${embedded(tokens)}
let phases = ${LAYERS * SCORING}u + select(0u, 1u, p.every == 1 || first + ${tokens}u >= u32(p.n));
for (var phase = 0u; phase < phases; phase++) {
let kind = select(phase % ${SCORING}u, ${SCORING}u, phase == ${LAYERS * SCORING}u);
let layer = phase / ${SCORING}u % ${LAYERS}u;
for (var once = kind % 2u; once < 1u; once++) {
${normed(tokens)}
}
let rows = ROWS[kind];
let columns = COLUMNS[kind];
let steps = STEPS[kind];
let words_at = WORDS[kind] + layer * rows * columns;
let scales_at = SCALES[kind] + layer * rows * columns / 8u;
${products(tokens, fours, APART, SCORES)}
${only(INPUTS)}
${turned(tokens)}
${attention(tokens, APART)}
}
${only(GATING)}
${gated(tokens)}
}
for (var once = kind % 2u; once == 1u; once++) {
for (var t = 0u; t < ${tokens}u; t++) { for (var r = 0u; r < ${OWN}u; r++) { x[t * ${OWN}u + r] += y[t * ${SCORES}u + r]; } }
}
${only(SCORING)}
${scored(tokens)}
}
}
}
}
`;
  return new Kernel(name)
    .reads('ids', 'i32').reads('words', 'vec4u').reads('numbers', 'vec4f').writes('cache', 'vec4f').writes('logits', 'vec4f')
    .number('n').number('position').number('every').code(code);
}

function only(kind: i32): string {
  return `for (var once = 0u; once < 1u && kind == ${kind}u; once++) {`;
}

function tables(fours: i32): string {
  return table('ROWS', ATTENTION_ROWS / FOUR, WIDTH / FOUR, GATED_ROWS / FOUR, WIDTH / FOUR, VOCABULARY / FOUR)
    + table('COLUMNS', WIDTH / FOUR, WIDTH / FOUR, WIDTH / FOUR, INNER / FOUR, WIDTH / FOUR)
    + table('STEPS', ATTENTION_ROWS / FOUR / GROUP / fours, OWN / fours, 2 * GATES / fours, OWN / fours, SCORES / fours)
    + table('WORDS', ATTENTION, OUT, GATED, DOWN, EMBEDDING)
    + table('SCALES', scalesOf(ATTENTION), scalesOf(OUT), scalesOf(GATED), scalesOf(DOWN), scalesOf(EMBEDDING));
}

function table(name: string, inputs: i32, mixed: i32, gating: i32, fed: i32, scoring: i32): string {
  return `const ${name} = array<u32, 5>(${inputs}, ${mixed}, ${gating}, ${fed}, ${scoring});\n`;
}

/** The tile's last tokens may not exist: they are read as the last one that does, and leave no trace. */
function embedded(tokens: i32): string {
  return `for (var k = 0u; k < ${tokens * OWN}u; k++) {
 let id = u32(ids[min(first + k / ${OWN}u, u32(p.n) - 1u)]);
 let column = k % ${OWN}u * ${GROUP}u + i;
 let scale = numbers[${scalesOf(EMBEDDING)}u + column / 8u * ${VOCABULARY / FOUR}u + id / 4u][id % 4u];
 x[k] = scale * unpacked(words[${EMBEDDING}u + column * ${VOCABULARY / FOUR}u + id / 4u][id % 4u]);
}
`;
}

/** RMSNorm of the vectors, into `s`. */
function normed(tokens: i32): string {
  return `var squares = vec4f();
for (var k = 0u; k < ${tokens * OWN}u; k++) { squares[k / ${OWN}u] += dot(x[k], x[k]); }
workgroupBarrier();
parts[i] = squares;
workgroupBarrier();
squares = vec4f();
for (var k = 0u; k < ${GROUP}u; k++) { squares += parts[k]; }
let factors = inverseSqrt(squares / ${WIDTH}.0 + ${EPSILON});
for (var k = 0u; k < ${tokens * OWN}u; k++) {
 let column = k % ${OWN}u * ${GROUP}u + i;
 s[k / ${OWN}u * ${APART}u + column] = x[k] * factors[k / ${OWN}u] * numbers[${NORMS}u + phase / 2u * ${WIDTH / FOUR}u + column];
}
workgroupBarrier();
`;
}

/** Queries into `s`, keys and values into the cache; queries and keys are turned by their position, neighbours in pairs. */
function turned(tokens: i32): string {
  return `workgroupBarrier();
for (var t = 0u; t < ${tokens}u; t++) {
 if (first + t >= u32(p.n)) { break; }
 let position = u32(p.position) + first + t;
 let turn = numbers[${TURNS}u + position * ${HEAD / FOUR}u + i];
 let begin = t * ${SCORES}u;
 for (var head = 0u; head < ${HEADS + KEY_HEADS}u; head++) {
  let a = y[begin + head];
  let by = vec4f(a.x * turn.x - a.y * turn.y, a.x * turn.y + a.y * turn.x, a.z * turn.z - a.w * turn.w, a.z * turn.w + a.w * turn.z);
  if (head < ${HEADS}u) { s[t * ${APART}u + head * ${GROUP}u + i] = by * ${1.0 / Math.sqrt(<f64>HEAD)}; }
  else { cache[${KEYS}u + ((layer * ${KEY_HEADS}u + head - ${HEADS}u) * ${GROUP}u + i) * ${CONTEXT}u + position] = by; }
 }
 for (var head = 0u; head < ${KEY_HEADS}u; head++) {
  cache[${VALUES}u + ((layer * ${KEY_HEADS}u + head) * ${CONTEXT}u + position) * ${GROUP}u + i] = y[begin + ${HEADS + KEY_HEADS}u + head];
 }
}
storageBarrier();
workgroupBarrier();
`;
}

/** SwiGLU, into `s`. */
function gated(tokens: i32): string {
  return `workgroupBarrier();
for (var t = 0u; t < ${tokens}u; t++) {
 for (var r = 0u; r < ${GATES}u; r++) {
  let gate = y[t * ${SCORES}u + r];
  s[t * ${APART}u + r * ${GROUP}u + i] = gate / (1.0 + exp(-gate)) * y[t * ${SCORES}u + ${GATES}u + r];
 }
}
workgroupBarrier();
`;
}

/** A number for every word of the vocabulary. */
function scored(tokens: i32): string {
  return `for (var t = 0u; t < ${tokens}u; t++) {
 let token = first + t;
 if (token < u32(p.n) && (p.every == 1 || token + 1u == u32(p.n))) {
  let at = select(0u, token, p.every == 1) * ${VOCABULARY / FOUR}u + i;
  for (var r = 0u; r < ${SCORES}u; r++) { logits[at + r * ${GROUP}u] = y[t * ${SCORES}u + r]; }
 }
}
`;
}

export const readOne = reading(1, 4), readTile = reading(TILE, 2);
