// The network in one kernel: one workgroup reads the tokens one by one, through all layers. Between kernels nothing is handed over, which costs
// more than the arithmetic where WebGPU runs on the processor; a graphics card has more than enough for a model of this size.
//
// There, compiling takes longer than anything else, and much longer for long kernels. So there is no other one for texts, which would save a third of
// the time of reading them, and the products of all matrices are one piece of code, in a loop of phases that take their matrix from tables. What
// only some phases do stands in loops of one turn or none: SwiftShader computes both sides of a branch, and throws one away, but skips a loop.
//
// Shared: `s` holds what is multiplied next. An invocation keeps its fours of the vector, `x`, to itself.
import { Kernel } from './kernel';
import { UNPACKED, products } from './products';
import { attention } from './attention';
import { ATTENTION, DOWN, EMBEDDING, GATED, KEYS, NORMS, OUT, TURNS, VALUES, scalesOf } from './layout';
import {
  ATTENTION_ROWS, CONTEXT, EPSILON, FOUR, GATED_ROWS, GROUP, HEAD, HEADS, INNER, KEY_HEADS, LAYERS, VOCABULARY, WIDTH,
} from './shape';

/** How many fours of each kind an invocation has. */
const INPUT = ATTENTION_ROWS / FOUR / GROUP, OWN = WIDTH / FOUR / GROUP, GATES = INNER / FOUR / GROUP, SCORES = VOCABULARY / FOUR / GROUP;
/** So many fours of rows are multiplied at once. */
const AT_ONCE = 4;

/** Phases of a layer, and the one behind all layers. What comes of the others, the odd ones, is added to the vectors. */
const INPUTS = 0, GATING = 2, SCORING = 4;

const CODE = `${UNPACKED}${tables()}
var<workgroup> s : array<vec4f, ${INNER / FOUR}>;
var<workgroup> parts : array<vec4f, ${GROUP}>;
@compute @workgroup_size(${GROUP}) fn network(@builtin(local_invocation_index) i : u32) {
var x : array<vec4f, ${OWN}>;
var y : array<vec4f, ${SCORES}>;
for (var token = 0u; token < u32(p.n); token++) {
let position = u32(p.position) + token;
${embedded()}
let phases = ${LAYERS * SCORING}u + select(0u, 1u, p.every == 1 || token + 1u == u32(p.n));
for (var phase = 0u; phase < phases; phase++) {
let kind = select(phase % ${SCORING}u, ${SCORING}u, phase == ${LAYERS * SCORING}u);
let layer = phase / ${SCORING}u % ${LAYERS}u;
for (var once = kind % 2u; once < 1u; once++) {
${normed()}
}
let rows = ROWS[kind];
let columns = COLUMNS[kind];
let steps = STEPS[kind];
let words_at = WORDS[kind] + layer * rows * columns;
let scales_at = SCALES[kind] + layer * rows * columns / 8u;
${products(AT_ONCE)}
${only(INPUTS)}
${turned()}
${attention()}
}
${only(GATING)}
${gated()}
}
for (var once = kind % 2u; once == 1u; once++) {
for (var r = 0u; r < ${OWN}u; r++) { x[r] += y[r]; }
}
${only(SCORING)}
${scored()}
}
}
}
}
`;

function only(kind: i32): string {
  return `for (var once = 0u; once < 1u && kind == ${kind}u; once++) {`;
}

function tables(): string {
  return table('ROWS', ATTENTION_ROWS / FOUR, WIDTH / FOUR, GATED_ROWS / FOUR, WIDTH / FOUR, VOCABULARY / FOUR)
    + table('COLUMNS', WIDTH / FOUR, WIDTH / FOUR, WIDTH / FOUR, INNER / FOUR, WIDTH / FOUR)
    + table('STEPS', INPUT / AT_ONCE, OWN / AT_ONCE, 2 * GATES / AT_ONCE, OWN / AT_ONCE, SCORES / AT_ONCE)
    + table('WORDS', ATTENTION, OUT, GATED, DOWN, EMBEDDING)
    + table('SCALES', scalesOf(ATTENTION), scalesOf(OUT), scalesOf(GATED), scalesOf(DOWN), scalesOf(EMBEDDING));
}

function table(name: string, inputs: i32, mixed: i32, gating: i32, fed: i32, scoring: i32): string {
  return `const ${name} = array<u32, 5>(${inputs}, ${mixed}, ${gating}, ${fed}, ${scoring});\n`;
}

function embedded(): string {
  return `let id = u32(ids[token]);
for (var r = 0u; r < ${OWN}u; r++) {
 let column = r * ${GROUP}u + i;
 let scale = numbers[${scalesOf(EMBEDDING)}u + column / 8u * ${VOCABULARY / FOUR}u + id / 4u][id % 4u];
 x[r] = scale * unpacked(words[${EMBEDDING}u + column * ${VOCABULARY / FOUR}u + id / 4u][id % 4u]);
}
`;
}

/** RMSNorm of the vector, into `s`. */
function normed(): string {
  return `var squares = 0.0;
for (var r = 0u; r < ${OWN}u; r++) { squares += dot(x[r], x[r]); }
workgroupBarrier();
parts[i].x = squares;
workgroupBarrier();
squares = 0.0;
for (var k = 0u; k < ${GROUP}u; k++) { squares += parts[k].x; }
let factor = inverseSqrt(squares / ${WIDTH}.0 + ${EPSILON});
for (var r = 0u; r < ${OWN}u; r++) {
 let column = r * ${GROUP}u + i;
 s[column] = x[r] * factor * numbers[${NORMS}u + phase / 2u * ${WIDTH / FOUR}u + column];
}
workgroupBarrier();
`;
}

/** Queries into `s`, keys and values into the cache; queries and keys are turned by their position, neighbours in pairs. */
function turned(): string {
  return `workgroupBarrier();
let turn = numbers[${TURNS}u + position * ${HEAD / FOUR}u + i];
for (var head = 0u; head < ${HEADS + KEY_HEADS}u; head++) {
 let a = y[head];
 let by = vec4f(a.x * turn.x - a.y * turn.y, a.x * turn.y + a.y * turn.x, a.z * turn.z - a.w * turn.w, a.z * turn.w + a.w * turn.z);
 if (head < ${HEADS}u) { s[head * ${GROUP}u + i] = by * ${1.0 / Math.sqrt(<f64>HEAD)}; }
 else { cache[${KEYS}u + ((layer * ${KEY_HEADS}u + head - ${HEADS}u) * ${GROUP}u + i) * ${CONTEXT}u + position] = by; }
}
for (var head = 0u; head < ${KEY_HEADS}u; head++) {
 cache[${VALUES}u + ((layer * ${KEY_HEADS}u + head) * ${CONTEXT}u + position) * ${GROUP}u + i] = y[${HEADS + KEY_HEADS}u + head];
}
storageBarrier();
workgroupBarrier();
`;
}

/** SwiGLU, into `s`. */
function gated(): string {
  return `workgroupBarrier();
for (var r = 0u; r < ${GATES}u; r++) {
 let gate = y[r];
 s[r * ${GROUP}u + i] = gate / (1.0 + exp(-gate)) * y[${GATES}u + r];
}
workgroupBarrier();
`;
}

/** A number for every word of the vocabulary. */
function scored(): string {
  return `let at = select(0u, token, p.every == 1) * ${VOCABULARY / FOUR}u + i;
for (var r = 0u; r < ${SCORES}u; r++) { logits[at + r * ${GROUP}u] = y[r]; }
`;
}

/** Its `every` is 1 where the scores behind each token are wanted, and not only behind the last one. */
export const network = new Kernel('network')
  .reads('ids', 'i32').reads('words', 'vec4u').reads('numbers', 'vec4f').writes('cache', 'vec4f').writes('logits', 'vec4f')
  .number('n').number('position').number('every').code(CODE);
