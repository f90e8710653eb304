/** Where models are kept on this device; apart, so that the page can look there without the downloading code. */
export const GGUF_FOLDER = 'models';
/** The names under which web-llm opens the Cache API. */
export const MLC_CACHES = { config: 'webllm/config', model: 'webllm/model', wasm: 'webllm/wasm' } as const;
