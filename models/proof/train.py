#!/usr/bin/python3
"""Trains the pair of models that proof of compute is measured on. One thread, no network, half a minute each:

    nice -n 15 /usr/bin/python3 models/proof/train.py large
    nice -n 15 /usr/bin/python3 models/proof/train.py small --until 24

Needs Debian's python3-torch, python3-numpy, libopenblas0-pthread (without which it takes ten times as long) and bible-kjv.
Writes build/<name>.pt, which quantise.py makes files of.
"""
import argparse
import os
import pathlib
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
HERE = pathlib.Path(__file__).parent

import torch
import torch.nn.functional as F

from network import CONTEXT, SHAPES, VOCAB, Network
import tokenizer
import verses


def learning_rate(step, total):
    return min(1.0, (step + 1) / 10) * min(1.0, (total - step) / (0.6 * total))


@torch.no_grad()
def held_out_loss(model, data, rows=4):
    ids = torch.tensor([data.row(CONTEXT) for _ in range(rows)])
    return F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten()).item()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("name", choices=SHAPES)
    arguments.add_argument("--steps", type=int, default=160, help="that the learning rate is planned for")
    arguments.add_argument("--until", type=int, default=40, help="the step to stop at: the shipped files come from there")
    arguments.add_argument("--rate", type=float, default=0.002)
    arguments.add_argument("--seed", type=int, default=7)
    args = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    text = verses.read_verses()
    tok = tokenizer.train([(" " + v, 1) for _, v in text], VOCAB)
    data, unseen = verses.Conversations(text, tok, args.seed), verses.Conversations(text, tok, args.seed, held_out=True)
    model = Network(args.name, len(tok.tokens))
    model.begin_with_pairs([data.row(CONTEXT) for _ in range(400)], args.seed)
    print(f"{args.name}: {model.size():,} parameters; held out, before training: {held_out_loss(model, unseen):.3f} nats a token", flush=True)
    adam = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), eps=1e-10, weight_decay=0.01)

    began, total = time.process_time(), 0.0
    for step in range(args.until):
        # Short rows teach the language sooner; the long ones at the end teach the far positions.
        rows, width = (2, CONTEXT) if step >= 0.7 * args.steps else (8, CONTEXT // 5)
        ids = torch.tensor([data.row(width) for _ in range(rows)])
        loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
        adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in adam.param_groups:
            group["lr"] = args.rate * learning_rate(step, args.steps)
        adam.step()
        total += loss.item()
        if (step + 1) % 10 == 0:
            print(f"step {step + 1}/{args.until}  loss {total / 10:.3f}  {time.process_time() - began:.0f} s of the processor", flush=True)
            total = 0.0
        if (step + 1) % 40 == 0 or step + 1 == args.until:
            (HERE / "build").mkdir(exist_ok=True)
            torch.save({"model": model.state_dict(), "merges": tok.merges}, HERE / "build" / f"{args.name}.pt")
    print(f"held out: {held_out_loss(model, unseen):.3f} nats a token", flush=True)


if __name__ == "__main__":
    main()
