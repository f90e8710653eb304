/** Where models lie on this device; the page looks there too, without the code that fills them. */
export const GGUF_FOLDER = 'models';
/** The names under which web-llm opens the Cache API. */
export const MLC_CACHES = { config: 'webllm/config', model: 'webllm/model', wasm: 'webllm/wasm' } as const;
