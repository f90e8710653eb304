// What web-llm asks the model itself: its metadata, and the scores of the word that follows.
import { argument } from './functions';
import { held, numbers } from './cache';
import { arrayItem, pointer } from './objects';
import { network } from './reading';
import { CHUNK, CONTEXT, VOCABULARY } from './shape';
import { FLOATING, count, data, onCard } from './tensors';

export function metadata(): string {
  return `{"model_type":"llama","quantization":"q8_0","params":[{"name":"words"},{"name":"numbers"}],"prefill_chunk_size":${CHUNK},"context_window_size":${CONTEXT},"sliding_window_size":-1,"attention_sink_size":-1,"tensor_parallel_shards":1,"kv_state_kind":"kv_cache"}`;
}

/** ids: a tensor. Returns a tensor [1, 1, VOCABULARY] of the last one, or with `every` one of each of them, or 0. */
export function forward(ids: usize, cache: usize, params: usize, every: bool): usize {
  const n = count(ids), logits = onCard(FLOATING, 1, every ? n : 1, VOCABULARY);
  argument(0, data(ids));
  argument(1, data(pointer(arrayItem(params, 0))));
  argument(2, data(pointer(arrayItem(params, 1))));
  argument(3, numbers(cache));
  argument(4, data(logits));
  argument(5, n);
  argument(6, held(cache));
  argument(7, every ? 1 : 0);
  return network.run(1) ? 0 : logits;
}
