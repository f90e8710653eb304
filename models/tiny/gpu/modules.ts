// The functions that web-llm finds in modules: the library itself, the model, its weights, and the kernels.
import { argument, functionOf } from './functions';
import { makeCache } from './cache';
import { Kernel, allKernels, kernelNamed } from './kernel';
import { forward, metadata } from './model';
import { ANY, Call, NONE, array, arrayItem, fail, give, giveText, keep, pointer, put, shapeItem, textOf } from './objects';
import { MODEL, SYSTEM, WEIGHTS, belongings, module, nothing } from './runtime';
import { ALL, bias, choose, mask, penalize, perWords, softmax, sort } from './sampling';
import { FLOATING, SIGNED, column, count, data, onCard } from './tensors';

export const system = module(SYSTEM);
const model = module(MODEL);
const inModel = new Map<string, Call>();

/** (module, name) → a function of it, or nothing. */
export function find(self: usize, args: usize, n: i32, result: usize): i32 {
  const from = pointer(args), which = load<i32>(from, 24), name = textOf(args + ANY);
  if (which == SYSTEM && name == 'vm_load_executable') return give(result, functionOf((self, args, n, result) => give(result, keep(model))));
  if (which == WEIGHTS && name == 'get_params') return give(result, functionOf((self, args, n, result) => give(result, keep(belongings(self))), from));
  // The kernels are asked for of the library, all else of the model.
  if (inModel.has(name)) return give(result, functionOf(inModel.get(name), from));
  put(result, NONE, 0);
  return 0;
}

function pair(first: usize, second: usize): usize {
  const made = array(2);
  give(arrayItem(made, 0), first);
  give(arrayItem(made, 1), second);
  return made;
}

function scored(args: usize, result: usize, every: bool): i32 {
  const cache = pointer(args + ANY), logits = forward(pointer(args), cache, pointer(args + 2 * ANY), every);
  return logits == 0 ? -1 : give(result, pair(logits, keep(cache)));
}

function next(self: usize, args: usize, n: i32, result: usize): i32 {
  return scored(args, result, false);
}

export function defineModel(): void {
  inModel.set('vm_initialization', nothing);
  inModel.set('_metadata', (self, args, n, result) => giveText(result, metadata()));
  // The model looks up the vectors of words where it needs them, so that they pass as their ids: web-llm only counts them.
  inModel.set('embed', (self, args, n, result) => give(result, column(pointer(args))));
  inModel.set('prefill', next);
  inModel.set('decode', next);
  // web-llm does not ask for it; who checks an answer does, as for MLC's models.
  inModel.set('batch_verify', (self, args, n, result) => scored(args, result, true));
  inModel.set('create_tir_paged_kv_cache', (self, args, n, result) => {
    const cache = makeCache(shapeItem(pointer(args + ANY), 0));
    return cache == 0 ? fail('The context is longer than the model was trained for.') : give(result, cache);
  });
  defineKernels();
  defineSampling();
  defineChanges();
}

function defineKernels(): void {
  inModel.set('webgpu.get_fmap', (self, args, n, result) => giveText(result, allKernels()));
  inModel.set('webgpu.get_shader', (self, args, n, result) => {
    const kernel = kernelNamed(textOf(args));
    return kernel == null ? fail('There is no such kernel.') : giveText(result, kernel.wgsl);
  });
  inModel.set('webgpu.update_prebuild', (self, args, n, result) => {
    const kernel = kernelNamed(textOf(args));
    if (kernel == null) return fail('There is no such kernel.');
    kernel.compiled(pointer(args + ANY));
    return 0;
  });
}

/** Makes these of the arguments, all tensors, the first arguments of a kernel. Returns how many they are. */
function bind(args: usize, first: i32, second: i32 = -1, third: i32 = -1, fourth: i32 = -1): i32 {
  argument(0, buffer(args, first));
  if (second < 0) return 1;
  argument(1, buffer(args, second));
  if (third < 0) return 2;
  argument(2, buffer(args, third));
  if (fourth < 0) return 3;
  argument(3, buffer(args, fourth));
  return 4;
}

function buffer(args: usize, index: i32): u32 {
  return data(pointer(args + index * ANY));
}

function defineSampling(): void {
  inModel.set('softmax_with_temperature', (self, args, n, result) => {
    const shares = onCard(FLOATING, 1, 1, ALL), at = bind(args, 0, 1);
    argument(at, data(shares));
    argument(at + 1, ALL);
    return softmax.run(1) ? -1 : give(result, shares);
  });
  inModel.set('argsort_probs', (self, args, n, result) => {
    const sorted = onCard(FLOATING, 1, ALL), words = onCard(SIGNED, 1, ALL), at = bind(args, 0);
    argument(at, data(sorted));
    argument(at + 1, data(words));
    argument(at + 2, ALL);
    return sort.run(perWords(ALL)) ? -1 : give(result, pair(sorted, words));
  });
  inModel.set('sample_with_top_p', (self, args, n, result) => {
    // Sorted shares, their words, a number by chance, which row (there is one), and the share of all that may be chosen.
    const chosen = onCard(SIGNED, 1), at = bind(args, 0, 1, 2, 4);
    argument(at, data(chosen));
    argument(at + 1, ALL);
    return choose.run(1) ? -1 : give(result, chosen);
  });
}

function changed(kernel: Kernel, at: i32, words: i64): i32 {
  argument(at, words);
  return kernel.run(perWords(words));
}

/** These change the scores in place. */
function defineChanges(): void {
  inModel.set('apply_bitmask_inplace', (self, args, n, result) => changed(mask, bind(args, 0, 2), ALL));
  inModel.set('apply_penalty_inplace', (self, args, n, result) => changed(penalize, bind(args, 0, 3, 4, 5), count(pointer(args + 3 * ANY))));
  inModel.set('apply_logit_bias_inplace', (self, args, n, result) => changed(bias, bind(args, 0, 2, 3), count(pointer(args + 2 * ANY))));
}
