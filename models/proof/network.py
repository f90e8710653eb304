"""The networks of the pair: the tiny model's, with an output matrix of its own, which begins as what follows which token.

Two matrices whose product is the logarithm of all pairs' frequencies, as far as so few dimensions hold it, take seconds to
compute. Training then has to find only what the words before the last one add.
"""
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent / "tiny"))

import numpy as np
import torch
from torch import nn

from model import Llama, Shape

VOCAB, CONTEXT = 1536, 640
# Rows of the larger one's matrices are whole blocks of Q2_K, which are 256 numbers long.
SHAPES = {"large": dict(dim=256, layers=4, heads=4, kv_heads=2, ffn=512), "small": dict(dim=128, layers=3, heads=2, kv_heads=1, ffn=384)}


class Network(Llama):
    def __init__(self, name, vocab):
        super().__init__(Shape(vocab=vocab, context=CONTEXT, **SHAPES[name]))
        self.output = nn.Linear(self.s.dim, vocab, bias=False)

    def forward(self, ids):
        return self.output(self.norm(self.hidden(ids)))

    @torch.no_grad()
    def begin_with_pairs(self, rows, seed):
        """rows: lists of token ids."""
        vocab, dim = self.embed.weight.shape
        pairs = np.zeros((vocab, vocab), np.float32)
        for row in rows:
            np.add.at(pairs, (row[:-1], row[1:]), 1)
        single = (pairs.sum(0) + 0.5) / (pairs.sum() + 0.5 * vocab)
        seen = pairs.sum(1, keepdims=True)
        logs = np.log((pairs + 30 * single) / (seen + 30))
        logs -= logs @ single[:, None]
        # What comes often has to be right; a sketch of the largest directions is as good as all of them.
        by_row, by_column = np.sqrt(seen + 1), np.sqrt(single)
        weighted = logs * by_row * by_column
        sketch = weighted @ np.random.default_rng(seed).standard_normal((vocab, dim + 32)).astype(np.float32)
        basis = np.linalg.qr(weighted @ (weighted.T @ sketch))[0]
        u, s, v = np.linalg.svd(basis.T @ weighted, full_matrices=False)
        into = (basis @ u)[:, :dim] * np.sqrt(s[:dim]) / by_row
        out = v[:dim].T * np.sqrt(s[:dim]) / by_column[:, None]
        size = np.sqrt((into ** 2).mean(1, keepdims=True))
        usual = (size * seen).sum() / seen.sum()
        self.embed.weight.copy_(torch.from_numpy(into / size * 0.3))
        self.output.weight.copy_(torch.from_numpy(out * usual))
