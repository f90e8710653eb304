// WGSL for attention: softmax over the keys so far, and the mean of their values. It reads queries from `s` and writes means there.
import { ATTENDED, KEYS, VALUES } from './layout';
import { CONTEXT, GROUP, HEAD, HEADS, KEY_HEADS, WIDTH } from './shape';

/** The heads that share keys. */
const SHARING = HEADS / KEY_HEADS;
const KEYS_AT_ONCE = 4;

export function attention(tokens: i32): string {
  return `for (var token = 0u; token < min(${tokens}u, u32(p.n) - first); token++) {
let seen = u32(p.position) + first + token + 1u;
${weights()}
${shares()}
${means()}
}
workgroupBarrier();
`;
}

/** Each invocation has keys of its own, with all heads of them, and several at once: they share what was fetched of a query. */
function weights(): string {
  let text = '';
  for (let h = 0; h < HEADS; h++) text += `var most${h} = -3.0e38;\n`;
  text += `for (var key = i; key < seen; key += ${KEYS_AT_ONCE * GROUP}u) {\n`;
  for (let k = 0; k < KEY_HEADS; k++) {
    text += ' {\n';
    for (let n = 0; n < KEYS_AT_ONCE; n++) for (let h = 0; h < SHARING; h++) text += `  var sum${h}_${n} = 0.0;\n`;
    text += `  var at = ${KEYS}u + (layer * ${KEY_HEADS}u + ${k}u) * ${HEAD * CONTEXT}u + key;\n  let query = token * ${WIDTH}u + ${k * SHARING * HEAD}u;\n`;
    text += `  for (var c = query; c < query + ${HEAD}u; c++) {\n`;
    for (let h = 0; h < SHARING; h++) text += `   let q${h} = s[c + ${h * HEAD}u];\n`;
    // Behind the last key there are others in the buffer: what comes of them is not kept.
    for (let n = 0; n < KEYS_AT_ONCE; n++) {
      text += `   { let number = cache[at + ${n * GROUP}u];`;
      for (let h = 0; h < SHARING; h++) text += ` sum${h}_${n} += q${h} * number;`;
      text += ' }\n';
    }
    text += `   at += ${CONTEXT}u;\n  }\n`;
    for (let n = 0; n < KEYS_AT_ONCE; n++) {
      text += `  if (key + ${n * GROUP}u < seen) {\n`;
      for (let h = 0; h < SHARING; h++) {
        const head = k * SHARING + h;
        text += `   cache[${ATTENDED + head * CONTEXT + n * GROUP}u + key] = sum${h}_${n};\n   most${head} = max(most${head}, sum${h}_${n});\n`;
      }
      text += '  }\n';
    }
    text += ' }\n';
  }
  return text + '}\n';
}

function shares(): string {
  let text = '';
  for (let h = 0; h < HEADS; h++) text += `parts[${h * GROUP}u + i] = most${h};\n`;
  text += 'mosts(i);\n';
  for (let h = 0; h < HEADS; h++) text += `most${h} = most_of(${h}u);\nvar total${h} = 0.0;\n`;
  text += `for (var key = i; key < seen; key += ${GROUP}u) {\n`;
  for (let h = 0; h < HEADS; h++) {
    text += ` { let share = exp(cache[${ATTENDED + h * CONTEXT}u + key] - most${h}); cache[${ATTENDED + h * CONTEXT}u + key] = share; total${h} += share; }\n`;
  }
  text += '}\nworkgroupBarrier();\n';
  for (let h = 0; h < HEADS; h++) text += `parts[${h * GROUP}u + i] = total${h};\n`;
  return text + 'sums(i);\nstorageBarrier();\n';
}

/** Each invocation has columns of every head's values. */
function means(): string {
  let text = '';
  for (let h = 0; h < HEADS; h++) for (let c = 0; c < HEAD; c += GROUP) text += `var mean${h}_${c} = 0.0;\n`;
  text += `var at = ${VALUES}u + layer * ${KEY_HEADS * CONTEXT * HEAD}u + i;\nfor (var key = 0u; key < seen; key++) {\n`;
  for (let h = 0; h < HEADS; h++) text += ` let share${h} = cache[${ATTENDED + h * CONTEXT}u + key];\n`;
  for (let k = 0; k < KEY_HEADS; k++) {
    for (let c = 0; c < HEAD; c += GROUP) {
      text += ` { let number = cache[at + ${k * CONTEXT * HEAD + c}u];`;
      for (let h = k * SHARING; h < (k + 1) * SHARING; h++) text += ` mean${h}_${c} += share${h} * number;`;
      text += ' }\n';
    }
  }
  text += ` at += ${HEAD}u;\n}\n`;
  for (let h = 0; h < HEADS; h++) {
    text += `{ let total = sum_of(${h}u);`;
    for (let c = 0; c < HEAD; c += GROUP) text += ` s[token * ${WIDTH}u + ${h * HEAD + c}u + i] = mean${h}_${c} / total;`;
    text += ' }\n';
  }
  return text + 'workgroupBarrier();\n';
}
