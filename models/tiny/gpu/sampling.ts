// The kernels between the scores of the words and the word that is chosen.
import { Kernel } from './kernel';
import { VOCABULARY } from './shape';

const GROUP = 64;

function perWord(name: string, body: string): string {
  return `@compute @workgroup_size(${GROUP}) fn ${name}(@builtin(global_invocation_id) g : vec3u) {\n let i = g.x;\n if (i >= u32(p.n)) { return; }\n${body}}\n`;
}

/** In one workgroup, since every word needs the sum over all. */
export const softmax = new Kernel('softmax')
  .reads('logits').reads('temperature').writes('shares').number('n')
  .code(`var<workgroup> parts : array<f32, ${GROUP}>;
@compute @workgroup_size(${GROUP}) fn softmax(@builtin(local_invocation_index) i : u32) {
 var most = -3.0e38;
 for (var k = i; k < u32(p.n); k += ${GROUP}u) { most = max(most, logits[k]); }
 parts[i] = most;
 workgroupBarrier();
 for (var k = 0u; k < ${GROUP}u; k++) { most = max(most, parts[k]); }
 workgroupBarrier();
 var sum = 0.0;
 for (var k = i; k < u32(p.n); k += ${GROUP}u) { sum += exp((logits[k] - most) / temperature[0]); }
 parts[i] = sum;
 workgroupBarrier();
 var total = 0.0;
 for (var k = 0u; k < ${GROUP}u; k++) { total += parts[k]; }
 for (var k = i; k < u32(p.n); k += ${GROUP}u) { shares[k] = exp((logits[k] - most) / temperature[0]) / total; }
}
`);

/** Every word finds its rank. Words without a share need none: fresh buffers hold zeros, and nothing of share zero is chosen. */
export const sort = new Kernel('sort')
  .reads('shares').writes('sorted').writes('words', 'i32').number('n')
  .code(perWord('sort', ` let mine = shares[i];
 if (mine == 0.0) { return; }
 var rank = 0u;
 for (var k = 0u; k < u32(p.n); k++) { if (shares[k] > mine || (shares[k] == mine && k < i)) { rank++; } }
 sorted[rank] = mine;
 words[rank] = i32(i);
`));

/** Chooses among the first words that together have the share `most`, by a number between 0 and 1. */
export const choose = new Kernel('choose')
  .reads('sorted').reads('words', 'i32').reads('chance').reads('most').writes('chosen', 'i32').number('n')
  .code(`@compute @workgroup_size(1) fn choose() {
 var sum = 0.0;
 var last = 0;
 for (var k = 0; k < p.n; k++) {
  if (sorted[k] == 0.0) { break; }
  sum += sorted[k];
  last = k;
  if (sum >= most[0]) { break; }
 }
 let wanted = chance[0] * sum;
 var so_far = 0.0;
 var found = last;
 for (var k = 0; k <= last; k++) {
  so_far += sorted[k];
  if (so_far > wanted) { found = k; break; }
 }
 chosen[0] = words[found];
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
