// The kernels between the scores of the words and the word that is chosen.
import { Kernel } from './kernel';
import { VOCABULARY } from './shape';

const GROUP = 64;

function perWord(name: string, body: string): string {
  return `@compute @workgroup_size(${GROUP}) fn ${name}(@builtin(global_invocation_id) g : vec3u) {\n let i = g.x;\n if (i >= u32(p.n)) { return; }\n${body}}\n`;
}

/** In one workgroup, since every word needs the sum over all. */
export const softmax = new Kernel('softmax')
  .reads('logits').writes('shares').number('n').fraction('temperature')
  .code(`var<workgroup> parts : array<f32, ${GROUP}>;
@compute @workgroup_size(${GROUP}) fn softmax(@builtin(local_invocation_index) i : u32) {
 var most = -3.0e38;
 for (var k = i; k < u32(p.n); k += ${GROUP}u) { most = max(most, logits[k]); }
 parts[i] = most;
 workgroupBarrier();
 for (var k = 0u; k < ${GROUP}u; k++) { most = max(most, parts[k]); }
 workgroupBarrier();
 var sum = 0.0;
 for (var k = i; k < u32(p.n); k += ${GROUP}u) { sum += exp((logits[k] - most) / p.temperature); }
 parts[i] = sum;
 workgroupBarrier();
 var total = 0.0;
 for (var k = 0u; k < ${GROUP}u; k++) { total += parts[k]; }
 for (var k = i; k < u32(p.n); k += ${GROUP}u) { shares[k] = exp((logits[k] - most) / p.temperature) / total; }
}
`);

/**
 * Chooses, by a number between 0 and 1, among the likeliest words that together have the share `most`. They need no order: the least share among
 * them is found bit by bit, since floats that are not negative are ordered as their bits are.
 */
export const choose = new Kernel('choose')
  .reads('shares').writes('chosen', 'i32').number('n').fraction('chance').fraction('most')
  .code(`var<workgroup> parts : array<f32, ${GROUP}>;
fn share_from(least : f32, i : u32) -> f32 {
 var sum = 0.0;
 for (var k = i; k < u32(p.n); k += ${GROUP}u) { sum += select(0.0, shares[k], shares[k] >= least); }
 workgroupBarrier();
 parts[i] = sum;
 workgroupBarrier();
 sum = 0.0;
 for (var k = 0u; k < ${GROUP}u; k++) { sum += parts[k]; }
 return sum;
}
@compute @workgroup_size(${GROUP}) fn choose(@builtin(local_invocation_index) i : u32) {
 var least = 0u;
 if (p.most < 1.0) {
  for (var bit = 1u << 29u; bit != 0u; bit >>= 1u) {
   if (share_from(bitcast<f32>(least | bit), i) >= p.most) { least |= bit; }
  }
 }
 let limit = max(bitcast<f32>(least), 1.0e-30);
 let wanted = p.chance * share_from(limit, i);
 if (i != 0u) { return; }
 var so_far = 0.0;
 var group = 0u;
 for (; group < ${GROUP - 1}u && so_far + parts[group] <= wanted; group++) { so_far += parts[group]; }
 // What was added in another order may end beyond the last word.
 while (group > 0u && parts[group] == 0.0) { group--; so_far = wanted; }
 for (var k = group; k < u32(p.n); k += ${GROUP}u) {
  if (shares[k] < limit) { continue; }
  chosen[0] = i32(k);
  so_far += shares[k];
  if (so_far > wanted) { break; }
 }
}
`);

/** Words whose bit is not set cannot be chosen. */
export const mask = new Kernel('mask')
  .writes('logits').reads('bits', 'u32').number('n')
  .code(perWord('mask', ' if (((bits[i / 32u] >> (i % 32u)) & 1u) == 0u) { logits[i] = -3.0e38; }\n'));

/** Words that were said: `rates` are presence, frequency and repetition. */
export const penalize = new Kernel('penalize')
  .writes('logits').reads('words', 'i32').reads('times', 'i32').reads('rates').number('n')
  .code(perWord('penalize', ` let word = words[i];
 let score = logits[word] - rates[0] - f32(times[i]) * rates[1];
 logits[word] = select(score * rates[2], score / rates[2], score > 0.0);
`));

export const bias = new Kernel('bias')
  .writes('logits').reads('words', 'i32').reads('by').number('n')
  .code(perWord('bias', ' logits[words[i]] += by[i];\n'));

export function perWords(words: i64): i32 {
  return <i32>((words + GROUP - 1) / GROUP);
}

export const ALL: i64 = VOCABULARY;
