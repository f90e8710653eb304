// WGSL for attention: softmax over the keys so far, and the mean of their values. It reads queries from `s` and writes means there.
// What belongs to the four heads stands in the four numbers of a vector.
import { ATTENDED, KEYS, VALUES } from './layout';
import { CONTEXT, GROUP, HEADS, KEY_HEADS } from './shape';

/** The heads that share keys. */
const SHARING = HEADS / KEY_HEADS;
const KEYS_AT_ONCE = 2;

export function attention(): string {
  return `let seen = position + 1u;
${weights()}
${shares()}
${means()}
`;
}

/** Each invocation has keys of its own, and several at once: they share what was fetched of the queries. */
function weights(): string {
  let text = `var most = vec4f(-3.0e38);
for (var key = i; key < seen; key += ${KEYS_AT_ONCE * GROUP}u) {
 var at = ${KEYS}u + layer * ${KEY_HEADS * GROUP * CONTEXT}u + key;
`;
  for (let n = 0; n < KEYS_AT_ONCE; n++) text += ` var sum${n} = vec4f();\n`;
  text += ` for (var c = 0u; c < ${GROUP}u; c++) {\n`;
  for (let h = 0; h < HEADS; h++) text += `  let q${h} = s[c + ${h * GROUP}u];\n`;
  // Behind the last key there are others in the buffer: what comes of them is not kept.
  for (let n = 0; n < KEYS_AT_ONCE; n++) {
    text += '  {\n';
    for (let k = 0; k < KEY_HEADS; k++) text += `   let k${k} = cache[at + ${k * GROUP * CONTEXT + n * GROUP}u];\n`;
    text += `   sum${n} += vec4f(`;
    for (let h = 0; h < HEADS; h++) text += `${h ? ', ' : ''}dot(q${h}, k${h / SHARING})`;
    text += ');\n  }\n';
  }
  text += `  at += ${CONTEXT}u;\n }\n`;
  for (let n = 0; n < KEYS_AT_ONCE; n++) {
    text += ` if (key + ${n * GROUP}u < seen) { cache[${ATTENDED + n * GROUP}u + key] = sum${n}; most = max(most, sum${n}); }\n`;
  }
  return text + '}\n';
}

function shares(): string {
  return `parts[i] = most;
workgroupBarrier();
for (var k = 0u; k < ${GROUP}u; k++) { most = max(most, parts[k]); }
var total = vec4f();
for (var key = i; key < seen; key += ${GROUP}u) {
 let share = exp(cache[${ATTENDED}u + key] - most);
 cache[${ATTENDED}u + key] = share;
 total += share;
}
workgroupBarrier();
parts[i] = total;
storageBarrier();
workgroupBarrier();
total = vec4f();
for (var k = 0u; k < ${GROUP}u; k++) { total += parts[k]; }
`;
}

/** Each invocation has four columns of every head's values. */
function means(): string {
  let text = '';
  for (let h = 0; h < HEADS; h++) text += `var mean${h} = vec4f();\n`;
  text += `var at = ${VALUES}u + layer * ${KEY_HEADS * CONTEXT * GROUP}u + i;
for (var key = 0u; key < seen; key++) {
 let share = cache[${ATTENDED}u + key];
`;
  for (let k = 0; k < KEY_HEADS; k++) text += ` let v${k} = cache[at + ${k * CONTEXT * GROUP}u];\n`;
  for (let h = 0; h < HEADS; h++) text += ` mean${h} += v${h / SHARING} * share[${h}];\n`;
  text += ` at += ${GROUP}u;\n}\n`;
  for (let h = 0; h < HEADS; h++) text += `s[${h * GROUP}u + i] = mean${h} / total[${h}];\n`;
  return text + 'workgroupBarrier();\n';
}
