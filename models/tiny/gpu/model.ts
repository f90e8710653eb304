// What web-llm asks the model itself: its metadata, and the scores of the word that follows.
import { argument } from './functions';
import { held, numbers } from './cache';
import { arrayItem, pointer } from './objects';
import { readOne, readTile } from './reading';
import { CHUNK, CONTEXT, VOCABULARY } from './shape';
import { FLOATING, buffer, count, onCard, wholeIn } from './tensors';

export function metadata(): string {
  return `{"model_type":"llama","quantization":"q8_0","params":[{"name":"words"},{"name":"numbers"}],"prefill_chunk_size":${CHUNK},"context_window_size":${CONTEXT},"sliding_window_size":-1,"attention_sink_size":-1,"tensor_parallel_shards":1,"kv_state_kind":"kv_cache"}`;
}

/** ids: a tensor. Returns a tensor [1, 1, VOCABULARY] of the last one, or 0. */
export function forward(ids: usize, cache: usize, params: usize): usize {
  const n = count(ids), logits = onCard(FLOATING, 1, 1, VOCABULARY);
  argument(0, buffer(pointer(arrayItem(params, 0))));
  argument(1, buffer(pointer(arrayItem(params, 1))));
  argument(2, numbers(cache));
  argument(3, buffer(logits));
  // One token is a parameter, several are a buffer.
  if (n != 1) argument(4, buffer(ids));
  const at = n == 1 ? 4 : 5;
  argument(at, n);
  argument(at + 1, held(cache));
  if (n == 1) argument(at + 2, wholeIn(ids));
  return (n == 1 ? readOne : readTile).run(1) ? 0 : logits;
}
