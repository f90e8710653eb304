// What web-llm's runtime wants by name: tensors, arrays, shapes and the cache of weights.
import { define, functionOf } from './functions';
import { copyTensor, codeOf, count, data, tensor, view, writeTensor } from './tensors';
import {
  ANY, BYTES, MODULE, SHAPE, array, arrayItem, arrayLength, bytesOf, dropValue, fail, give, integer, keep, kind, make, own, pointer, put, shapeLength, textOf,
  INT, addressOfText, drop,
} from './objects';
import { begin, clear, end } from './cache';

/** Modules: at 24 which one, at 28 what belongs to it. */
export const SYSTEM = 1, MODEL = 2, WEIGHTS = 3;
const weights = new Map<string, usize>();

export function module(which: i32, belongings: usize = 0): usize {
  const object = make(MODULE, 12);
  store<i32>(object, which, 24);
  store<u32>(object, <u32>belongings, 28);
  return object;
}

export function belongings(module: usize): usize {
  return load<u32>(module, 28);
}

/** web-llm looks these up at the start and calls none of them for this model. */
const UNUSED = 'ffi.FunctionListGlobalNamesFunctor,ffi.ModuleImportModule,tvmjs.runtime.ArrayConcat,vm.builtin.tensor_cache.get,vm.builtin.tensor_cache.remove,tvmjs.array.decode_storage,vm.builtin.param_module_from_cache,vm.builtin.sample_top_p_from_logits,vm.builtin.sample_top_p_from_prob,vm.builtin.apply_repetition_penalty,vm.builtin.apply_presence_and_frequency_penalty,vm.builtin.apply_softmax_with_temperature,tvmjs.runtime.ConcatEmbeddings,vm.builtin.attention_kv_cache_enable_sliding_window_for_seq';

export function unused(self: usize, args: usize, n: i32, result: usize): i32 {
  return fail('This library has no such function.');
}

export function nothing(self: usize, args: usize, n: i32, result: usize): i32 {
  return 0;
}

export function defineRuntime(): void {
  const names = UNUSED.split(',');
  for (let i = 0; i < names.length; i++) define(names[i], unused);
  defineTensors();
  defineArrays();
  defineWeights();
  define('vm.builtin.kv_state_clear', (self, args, n, result) => { clear(pointer(args)); return 0; });
  define('vm.builtin.kv_state_add_sequence', nothing);
  define('vm.builtin.kv_state_remove_sequence', (self, args, n, result) => { clear(pointer(args)); return 0; });
  define('vm.builtin.kv_state_begin_forward', (self, args, n, result) => begin(pointer(args), pointer(args + 2 * ANY)));
  define('vm.builtin.kv_state_end_forward', (self, args, n, result) => { end(pointer(args)); return 0; });
}

function defineTensors(): void {
  define('runtime.TVMTensorAllocWithScope', (self, args, n, result) => {
    const shape = pointer(args);
    return give(result, tensor(load<u32>(shape, 24), shapeLength(shape), codeOf(addressOfText(args + ANY)), load<i32>(args + 2 * ANY, 8)));
  });
  define('runtime.TVMTensorCopyFromTo', (self, args, n, result) => copyTensor(pointer(args), pointer(args + ANY)));
  define('tvmjs.runtime.TensorCopyFromBytes', (self, args, n, result) => {
    const bytes = pointer(args + ANY);
    return writeTensor(pointer(args), load<u32>(bytes), load<u32>(bytes, 4));
  });
  define('tvmjs.runtime.TensorCopyToBytes', (self, args, n, result) => {
    const from = pointer(args);
    return give(result, bytesOf(BYTES, data(from) + <usize>load<u64>(from, 56), <usize>count(from) * 4));
  });
  define('runtime.TVMTensorCreateView', (self, args, n, result) => {
    const shape = pointer(args + ANY);
    return give(result, view(pointer(args), load<u32>(shape, 24), shapeLength(shape)));
  });
}

function defineArrays(): void {
  define('ffi.Array', (self, args, n, result) => {
    const made = array(n);
    for (let i = 0; i < n; i++) own(args + i * ANY, arrayItem(made, i));
    return give(result, made);
  });
  define('ffi.ArrayGetItem', (self, args, n, result) => {
    const from = pointer(args), index = integer(args + ANY);
    if (index < 0 || index >= <i64>arrayLength(from)) return fail('An array is shorter than that.');
    return own(arrayItem(from, <u32>index), result);
  });
  define('ffi.ArraySize', (self, args, n, result) => { put(result, INT, arrayLength(pointer(args))); return 0; });
  define('ffi.Shape', (self, args, n, result) => {
    const made = make(SHAPE, 8 + n * 8);
    store<u32>(made, <u32>(made + 32), 24);
    store<u32>(made, n, 28);
    for (let i = 0; i < n; i++) store<i64>(made + 32 + i * 8, integer(args + i * ANY));
    return give(result, made);
  });
}

function defineWeights(): void {
  define('vm.builtin.tensor_cache.update', (self, args, n, result) => {
    const name = textOf(args);
    if (weights.has(name)) drop(weights.get(name));
    weights.set(name, keep(pointer(args + ANY)));
    return 0;
  });
  define('vm.builtin.tensor_cache.clear', (self, args, n, result) => {
    const kept = weights.values();
    for (let i = 0; i < kept.length; i++) drop(kept[i]);
    weights.clear();
    return 0;
  });
  define('vm.builtin.param_module_from_cache_by_name', (self, args, n, result) => {
    const names = pointer(args), length = arrayLength(names), found = array(length);
    for (let i: u32 = 0; i < length; i++) {
      const name = textOf(arrayItem(names, i));
      if (!weights.has(name)) return fail(`The weights lack ${name}.`);
      give(arrayItem(found, i), keep(weights.get(name)));
    }
    return give(result, module(WEIGHTS, found));
  });
}
