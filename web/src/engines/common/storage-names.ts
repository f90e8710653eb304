/**
 * The names under which web-llm opens the Cache API. They stand alone, so that the page can look there without the code that
 * downloads.
 */
export const MLC_CACHES = { config: 'webllm/config', model: 'webllm/model', wasm: 'webllm/wasm' } as const;
