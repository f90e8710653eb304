#!/usr/bin/python3
"""Writes the files that an honest volunteer and a cheap one would lend, from what train.py left in build/:

    /usr/bin/python3 models/proof/quantise.py

large-q8.gguf, large-q4.gguf (Q4_0), large-q2.gguf (Q2_K, the embedding in Q4_0 as llama.cpp keeps it finer, too) and small-q8.gguf.
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent / "tiny"))

import numpy as np
import torch

import gguf_export
import tokenizer
from network import Network

NAME = "LLMesh proof"
ABOUT = "One of a pair that proof of compute is measured on. It goes on with verses of the King James Version. Not an assistant."


def q4_0(x):
    """Blocks of 32: one float16 scale, then 16 bytes; the low halves are the first 16 numbers. As ggml's quantize_row_q4_0_ref."""
    blocks = x.reshape(-1, 32).astype(np.float32)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(1)[:, None], 1)
    scale = largest / -8
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)
    quants = np.clip((blocks * inverse + 8.5).astype(np.int32), 0, 15).astype(np.uint8)
    packed = quants[:, :16] | quants[:, 16:] << 4
    return np.concatenate([scale.astype(np.float16).view(np.uint8), packed], 1).tobytes()


def q2_k(x):
    """Blocks of 256: 16 bytes with a scale and a minimum of 4 bits for each 16 numbers, 64 bytes of 2-bit numbers, and the two
    float16 that the scales and minima are multiples of: x ≈ d·scale·q − dmin·minimum. As ggml's block_q2_K.
    """
    blocks = x.reshape(-1, 16, 16).astype(np.float32)
    low, high = np.minimum(blocks.min(2), 0), blocks.max(2)
    step = np.maximum(high - low, 0) / 3
    d = (step.max(1, keepdims=True) / 15).astype(np.float16)
    dmin = ((-low).max(1, keepdims=True) / 15).astype(np.float16)
    divided = lambda a, b: np.round(np.divide(a, b, out=np.zeros_like(a), where=b != 0)).clip(0, 15)
    scale, minimum = divided(step, d.astype(np.float32)), divided(-low, dmin.astype(np.float32))
    real, offset = (d.astype(np.float32) * scale)[:, :, None], (dmin.astype(np.float32) * minimum)[:, :, None]
    quants = np.round(np.divide(blocks + offset, real, out=np.zeros_like(blocks), where=real != 0)).clip(0, 3).astype(np.uint8)
    # Each half of 128 numbers takes 32 bytes; a byte holds one number of each of its four quarters.
    quarters = quants.reshape(-1, 2, 4, 32)
    packed = (quarters[:, :, 0] | quarters[:, :, 1] << 2 | quarters[:, :, 2] << 4 | quarters[:, :, 3] << 6).reshape(-1, 64)
    scales = (scale.astype(np.uint8) | minimum.astype(np.uint8) << 4)
    return np.concatenate([scales, packed, d.view(np.uint8), dmin.view(np.uint8)], 1).tobytes()


Q8_0, Q4_0, Q2_K = (8, lambda x: gguf_export.q8_0(x)[0]), (2, q4_0), (10, q2_k)
# File, network, the quantisation of the embedding, that of the other matrices, and llama.cpp's number for such a file.
FILES = [("large-q8", "large", Q8_0, Q8_0, 7), ("large-q4", "large", Q4_0, Q4_0, 2), ("large-q2", "large", Q4_0, Q2_K, 10), ("small-q8", "small", Q8_0, Q8_0, 7)]


def main():
    for file, name, embedding, matrices, file_type in FILES:
        saved = torch.load(HERE / "build" / f"{name}.pt")
        tok = tokenizer.Tokenizer(saved["merges"])
        model = Network(name, len(tok.tokens))
        model.load_state_dict(saved["model"])
        size = gguf_export.write(model, tok, HERE / f"{file}.gguf", lambda tensor, x: (embedding if tensor in ("token_embd.weight", "output.weight") else matrices),
                                 file_type, f"{NAME} {name}", ABOUT)
        print(f"{file}.gguf: {size:,} bytes")


if __name__ == "__main__":
    main()
