"""Writes the model as GGUF version 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), F16 or Q8_0."""
import struct

import numpy as np

from tokenizer import SPECIALS

ALIGN = 32
U32, F32, BOOL, STRING, ARRAY, I32 = 4, 6, 7, 8, 9, 5
TYPE_F32, TYPE_F16, TYPE_Q8_0 = 0, 1, 8

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def text(s):
    raw = s.encode("utf-8")
    return struct.pack("<Q", len(raw)) + raw


def value(kind, v):
    if kind == STRING:
        return text(v)
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], v)


def pair(key, kind, v):
    return text(key) + struct.pack("<I", kind) + value(kind, v)


def array(key, kind, items):
    return text(key) + struct.pack("<IIQ", ARRAY, kind, len(items)) + b"".join(value(kind, v) for v in items)


def q8_0(x):
    """Blocks of 32: one float16 scale, then 32 signed bytes. Returns (bytes, what the engine will read back)."""
    blocks = x.reshape(-1, 32).astype(np.float32)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    quants = np.round(np.divide(blocks, scale, out=np.zeros_like(blocks), where=scale > 0)).astype(np.int8)
    half = scale.astype(np.float16)
    packed = np.concatenate([half.view(np.uint8), quants.view(np.uint8)], 1).tobytes()
    return packed, (half.astype(np.float32) * quants).reshape(x.shape)


def tensors(model):
    """(GGUF name, float32 array) in file order. Where the output matrix is the embedding, it is not written twice."""
    names = {"attn_norm": "attn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
             "ffn_norm": "ffn_norm", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down"}
    yield "token_embd.weight", model.embed.weight
    for i, block in enumerate(model.blocks):
        for ours, theirs in names.items():
            yield f"blk.{i}.{theirs}.weight", getattr(block, ours).weight
    yield "output_norm.weight", model.norm.weight
    if hasattr(model, "output"):
        yield "output.weight", model.output.weight


def metadata(s, tok, file_type, name="LLMesh tiny", about="A tiny demo model that knows answers about LLMesh by heart. Not a general assistant."):
    kinds = [3 if t in SPECIALS else 1 for t in tok.tokens]
    return [
        pair("general.architecture", STRING, "llama"),
        pair("general.type", STRING, "model"),
        pair("general.name", STRING, name),
        pair("general.author", STRING, "The LLMesh contributors"),
        pair("general.version", STRING, "1"),
        pair("general.description", STRING, about),
        pair("general.license", STRING, "AGPL-3.0-or-later"),
        pair("general.license.name", STRING, "GNU Affero General Public License v3.0 or later"),
        array("general.languages", STRING, ["en"]),
        pair("general.file_type", U32, file_type),
        pair("general.quantization_version", U32, 2),
        pair("general.alignment", U32, ALIGN),
        pair("llama.block_count", U32, s.layers),
        pair("llama.context_length", U32, s.context),
        pair("llama.embedding_length", U32, s.dim),
        pair("llama.feed_forward_length", U32, s.ffn),
        pair("llama.attention.head_count", U32, s.heads),
        pair("llama.attention.head_count_kv", U32, s.kv_heads),
        pair("llama.attention.layer_norm_rms_epsilon", F32, s.eps),
        pair("llama.rope.dimension_count", U32, s.head_dim),
        pair("llama.rope.freq_base", F32, s.rope_base),
        pair("llama.vocab_size", U32, s.vocab),
        pair("tokenizer.ggml.model", STRING, "gpt2"),
        pair("tokenizer.ggml.pre", STRING, "gpt-2"),
        array("tokenizer.ggml.tokens", STRING, tok.tokens),
        array("tokenizer.ggml.token_type", I32, kinds),
        array("tokenizer.ggml.merges", STRING, [f"{a} {b}" for a, b in tok.merges]),
        pair("tokenizer.ggml.bos_token_id", U32, tok.end_of_text),
        pair("tokenizer.ggml.eos_token_id", U32, tok.im_end),
        pair("tokenizer.ggml.eot_token_id", U32, tok.im_end),
        pair("tokenizer.ggml.padding_token_id", U32, tok.end_of_text),
        pair("tokenizer.ggml.add_bos_token", BOOL, False),
        pair("tokenizer.ggml.add_eos_token", BOOL, False),
        pair("tokenizer.chat_template", STRING, CHAT_TEMPLATE),
    ]


def export(model, tok, path, quant="q8_0"):
    """Writes path and returns its size in bytes. Vectors stay float32; matrices become F16 or Q8_0."""
    half = (TYPE_F16, lambda x: x.astype(np.float16).tobytes())
    matrices = (TYPE_Q8_0, lambda x: q8_0(x)[0]) if quant == "q8_0" else half
    return write(model, tok, path, lambda name, x: matrices, 7 if quant == "q8_0" else 1)


def write(model, tok, path, kind_of, file_type, *about):
    """kind_of: (name, matrix) -> (ggml type, its packer). Returns the size in bytes."""
    infos, blobs, offset = [], [], 0
    for name, tensor in tensors(model):
        x = tensor.detach().float().numpy()
        kind, pack = (TYPE_F32, np.ndarray.tobytes) if x.ndim == 1 else kind_of(name, x)
        raw = pack(x)
        infos.append(text(name) + struct.pack("<I", x.ndim) + struct.pack(f"<{x.ndim}Q", *reversed(x.shape)) + struct.pack("<IQ", kind, offset))
        raw += b"\0" * (-len(raw) % ALIGN)
        blobs.append(raw)
        offset += len(raw)
    meta = metadata(model.s, tok, file_type, *about)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(meta)) + b"".join(meta) + b"".join(infos)
    head += b"\0" * (-len(head) % ALIGN)
    data = head + b"".join(blobs)
    with open(path, "wb") as f:
        f.write(data)
    return len(data)
