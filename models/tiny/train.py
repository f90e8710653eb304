#!/usr/bin/python3
"""Trains models/tiny/llmesh-tiny.gguf from models/tiny/corpus. One command, one thread, no network:

    nice -n 5 /usr/bin/python3 models/tiny/train.py

Needs Debian's python3-torch and python3-numpy. Progress is printed; a checkpoint is written every 100 steps, and
the same command goes on from it. --fresh starts over. The seed is fixed.
"""
import argparse
import json
import os
import pathlib
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
import torch
import torch.nn.functional as F

import corpus
import gguf_export
import tokenizer
from model import Llama, Muon, Shape

HERE = pathlib.Path(__file__).parent
# (rows, width) of a step and how often. Rows too short for a second turn come first: they teach which answer belongs
# to which question. Long ones then teach the rest of the answers, and that earlier turns do not matter.
MIXES = [(200, {(96, 48): 1}),
         (300, {(96, 48): 0.40, (16, 256): 0.45, (8, 512): 0.15}),
         (700, {(96, 48): 0.25, (16, 256): 0.42, (8, 512): 0.25, (2, 2048): 0.08}),
         (10**9, {(96, 48): 0.20, (16, 256): 0.15, (8, 512): 0.15, (2, 2048): 0.50})]
# The first tokens of an answer decide which answer it is, so they count more than the many that follow.
WEIGHTS = [8, 8, 8, 8, 4, 4, 2, 2]
HOLD = 0.55  # this share of the steps runs at the full learning rate


def learning_rate(step, total, finish):
    """Warm up for 20 steps, hold, fall to zero; then once more from half the rate, which settles the last answers."""
    if step >= total:
        return 0.5 * (1 - (step - total) / finish)
    return min(1.0, (step + 1) / 20) * min(1.0, (total - step) / ((1 - HOLD) * total))


def build_tokenizer(entries, off, vocab):
    texts = [(e.answer, 4) for e in entries] + [(e.question, 4) for e in entries] + [(p, 2) for e in entries for p in e.paraphrases]
    texts += [(p.lower(), 2) for e in entries for p in [e.question, *e.paraphrases]]
    texts += [(off.refusal, 4)] + [(p, 1) for p in off.prompts]
    return tokenizer.train(texts, vocab)


@torch.no_grad()
def exact(model, tok, pairs):
    """How many answers are the arg-max at every token, which is what greedy decoding will say."""
    model.eval()
    right, wrong = 0, []
    coded = []
    for question, answer in pairs:
        head = tok.encode(corpus.turn("user", question) + "<|im_start|>assistant\n")
        coded.append((head, tok.encode(answer) + [tok.im_end], question))
    coded.sort(key=lambda c: len(c[0]) + len(c[1]))
    for at in range(0, len(coded), 16):
        part = coded[at:at + 16]
        width = max(len(h) + len(a) for h, a, _ in part)
        ids = torch.tensor([(h + a + [tok.end_of_text] * width)[:width] for h, a, _ in part])
        best = model(ids).argmax(-1)
        for i, (h, a, question) in enumerate(part):
            same = best[i, len(h) - 1:len(h) + len(a) - 1].tolist() == a
            right += same
            if not same:
                wrong.append(question)
    model.train()
    return right, wrong


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--steps", type=int, default=620)
    arguments.add_argument("--finish", type=int, default=260, help="steps of the second, lower slope")
    arguments.add_argument("--vocab", type=int, default=1536)
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--muon", type=float, default=0.02)
    arguments.add_argument("--adam", type=float, default=0.003)
    arguments.add_argument("--quant", choices=["q8_0", "f16"], default="q8_0")
    arguments.add_argument("--out", default=str(HERE / "llmesh-tiny.gguf"))
    arguments.add_argument("--checkpoint", default=str(HERE / "build" / "checkpoint.pt"))
    arguments.add_argument("--fresh", action="store_true")
    args = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)

    entries, off = corpus.read_entries(), corpus.OffTopic()
    tok = build_tokenizer(entries, off, args.vocab)
    lengths = [len(tok.encode(e.answer)) for e in entries]
    model = Llama(Shape(vocab=len(tok.tokens)))
    print(f"{len(entries)} questions, {sum(len(e.paraphrases) for e in entries)} paraphrases, {sum(len(e.held_out) for e in entries)} held out; "
          f"answers {sum(lengths) / len(lengths):.0f} tokens on average, {sum(n >= 150 for n in lengths)} of 150 or more; {model.size():,} parameters", flush=True)
    queries = [p for b in model.blocks for p in (b.q.weight, b.k.weight)]
    muon = Muon([p for b in model.blocks for p in (b.v.weight, b.o.weight, b.gate.weight, b.up.weight, b.down.weight)])
    vectors = [model.embed.weight, *(p for p in model.parameters() if p.ndim == 1)]
    # queries and keys go by Adam and slowly: orthogonal updates grow them until the attention saturates
    adam = torch.optim.Adam([{"params": vectors, "rate": args.adam}, {"params": queries, "rate": args.adam / 3}], betas=(0.9, 0.95), eps=1e-10)

    first, data = 0, corpus.Conversations(entries, off, tok, args.seed)
    checkpoint = pathlib.Path(args.checkpoint)
    if checkpoint.exists() and not args.fresh:
        saved = torch.load(checkpoint)
        steps, seed = saved["args"]
        # while the rate is held, a longer and a shorter run are the same run
        fits = steps == args.steps or saved["step"] <= HOLD * min(steps, args.steps)
        if saved["merges"] == tok.merges and seed == args.seed and fits:
            model.load_state_dict(saved["model"])
            muon.state, first, data.deck = saved["muon"], saved["step"], saved["deck"]
            adam.load_state_dict(saved["adam"])
            data.rng.setstate(saved["rng"])
            print(f"going on from step {first}", flush=True)

    canonical = [(e.question, e.answer) for e in entries]
    held_out = [(q, e.answer) for e in entries for q in e.held_out]
    refused = [(q, off.refusal) for q in off.held_out]
    weights = torch.tensor([0.0, *WEIGHTS, 1.0])
    began, total, count, choice = time.time(), 0.0, 0, 0.0
    end = args.steps + args.finish
    for step in range(first, end):
        rate = learning_rate(step, args.steps, args.finish)
        mix = next(m for until, m in MIXES if step < until)
        (rows, width), = data.rng.choices(list(mix), list(mix.values()))
        batch = [data.row(width) for _ in range(rows)]
        ids, nth = torch.tensor([b[0] for b in batch]), torch.tensor([b[1] for b in batch])[:, 1:]
        asked = nth > 0
        each = F.cross_entropy(model(ids[:, :-1], asked), ids[:, 1:][asked], reduction="none")
        weight = weights[nth[asked].clamp(max=len(WEIGHTS) + 1)]
        loss = (each * weight).sum() / weight.sum()
        for p in model.parameters():
            p.grad = None
        loss.backward()
        for group in adam.param_groups:
            group["lr"] = group["rate"] * rate
        adam.step()
        muon.step(args.muon * rate)
        total, count, choice = total + each.detach().mean().item(), count + 1, choice + each.detach()[nth[asked] <= 2].mean().item()
        if (step + 1) % 20 == 0:
            print(f"step {step + 1}/{end}  loss {total / count:.4f}  first two tokens {choice / count:.4f}  {(time.time() - began) / 60:.1f} min", flush=True)
            total, count, choice = 0.0, 0, 0.0
        if (step + 1) % 100 == 0 or step + 1 in (args.steps, end):
            checkpoint.parent.mkdir(exist_ok=True)
            torch.save({"model": model.state_dict(), "muon": muon.state, "adam": adam.state_dict(), "step": step + 1, "deck": data.deck,
                        "rng": data.rng.getstate(), "merges": tok.merges, "args": [args.steps, args.seed]}, checkpoint)
        if (step + 1) % 200 == 0 or step + 1 in (args.steps, end):
            (a, _), (b, missed), (c, let_through) = (exact(model, tok, pairs) for pairs in (canonical, held_out, refused))
            print(f"  exact: canonical {a}/{len(canonical)}  held out {b}/{len(held_out)}  refusals {c}/{len(refused)}", flush=True)
            (checkpoint.parent / "missed.json").write_text(json.dumps({"heldOut": missed, "offTopic": let_through}, indent=1))

    size = gguf_export.export(model, tok, args.out, args.quant)
    _, missed = exact(model, tok, canonical)
    sure = [{"question": q, "answer": a} for q, a in canonical if q not in missed]
    (HERE / "questions.json").write_text(json.dumps(sure, indent=1) + "\n")
    print(f"wrote {args.out}: {size:,} bytes")


if __name__ == "__main__":
    main()
