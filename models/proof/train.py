#!/usr/bin/python3
"""Trains the pair of models that proof of compute is measured on. One thread, no network, some minutes each:

    nice -n 15 /usr/bin/python3 models/proof/train.py large
    nice -n 15 /usr/bin/python3 models/proof/train.py small

Needs Debian's python3-torch, python3-numpy, libopenblas0-pthread (without which it takes ten times as long) and bible-kjv. Writes build/<name>.pt, which quantise.py makes files of.
"""
import argparse
import os
import pathlib
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent / "tiny"))

import torch
import torch.nn.functional as F

import tokenizer
import verses
from model import Llama, Muon, Shape

VOCAB, CONTEXT = 1536, 640
# Rows of the larger one's matrices are whole blocks of Q2_K, which are 256 numbers long.
SHAPES = {"large": dict(dim=256, layers=4, heads=4, kv_heads=2, ffn=512), "small": dict(dim=128, layers=3, heads=2, kv_heads=1, ffn=384)}


def make(name, vocab):
    return Llama(Shape(vocab=vocab, context=CONTEXT, **SHAPES[name]))


def learning_rate(step, total):
    return min(1.0, (step + 1) / 20) * min(1.0, (total - step) / (0.5 * total))


@torch.no_grad()
def held_out_loss(model, data, rows=8, width=CONTEXT):
    ids = torch.tensor([data.row(width) for _ in range(rows)])
    return F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()).item()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("name", choices=SHAPES)
    arguments.add_argument("--steps", type=int, default=160)
    arguments.add_argument("--seed", type=int, default=7)
    args = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    text = verses.read_verses()
    tok = tokenizer.train([(" " + v, 1) for _, v in text], VOCAB)
    data, unseen = verses.Conversations(text, tok, args.seed), verses.Conversations(text, tok, args.seed, held_out=True)
    model = make(args.name, len(tok.tokens))
    print(f"{args.name}: {model.size():,} parameters", flush=True)
    muon = Muon([p for b in model.blocks for n, p in b.named_parameters() if p.ndim == 2 and n[0] not in "qk"])
    queries = [p for b in model.blocks for p in (b.q.weight, b.k.weight)]
    vectors = [model.embed.weight, *(p for p in model.parameters() if p.ndim == 1)]
    adam = torch.optim.Adam([{"params": vectors, "rate": 0.003}, {"params": queries, "rate": 0.001}], betas=(0.9, 0.95), eps=1e-10)

    began, total = time.time(), 0.0
    for step in range(args.steps):
        # Short rows teach the language sooner; the long ones at the end teach the far positions.
        rows, width = (3, CONTEXT) if step >= 0.7 * args.steps else (12, CONTEXT // 4)
        ids = torch.tensor([data.row(width) for _ in range(rows)])
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        for p in model.parameters():
            p.grad = None
        loss.backward()
        rate = learning_rate(step, args.steps)
        for group in adam.param_groups:
            group["lr"] = group["rate"] * rate
        adam.step()
        muon.step(0.02 * rate)
        total += loss.item()
        if (step + 1) % 10 == 0:
            print(f"step {step + 1}/{args.steps}  loss {total / 10:.4f}  {(time.time() - began) / 60:.1f} min", flush=True)
            total = 0.0
        if (step + 1) % 40 == 0 or step + 1 == args.steps:
            (HERE / "build").mkdir(exist_ok=True)
            torch.save({"model": model.state_dict(), "merges": tok.merges}, HERE / "build" / f"{args.name}.pt")
    model.eval()
    print(f"held out: {held_out_loss(model, unseen):.4f} nats a token", flush=True)


if __name__ == "__main__":
    main()
