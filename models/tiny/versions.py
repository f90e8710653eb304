#!/usr/bin/python3
"""Makes versions of one model, as people publish them, for `npm run bench -- dedupe`. One thread, no network, a minute or two:

    /usr/bin/python3 models/tiny/versions.py build/versions

The network is wider than the tiny one, so that its matrices are larger than a piece, as those of real models are, and has hardly
learned anything. What counts is what its files share: fine-tunes move weights by real steps of training, and the quantisers are those of the models here.
Needs Debian's python3-torch, python3-numpy and libopenblas0-pthread.
"""
import os
import pathlib
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parent / "proof"))

import torch
import torch.nn.functional as F

import corpus
import gguf_export
from model import Llama, Shape
from quantise import Q4_0, Q8_0
from train import build_tokenizer

F16 = (gguf_export.TYPE_F16, lambda x: x.astype("float16").tobytes())
ROWS, WIDTH = 4, 64
TEMPLATE = gguf_export.CHAT_TEMPLATE


def steps(model, data, count, rate, trained=lambda name: True):
    chosen = [p for name, p in model.named_parameters() if trained(name)]
    adam = torch.optim.AdamW(chosen, lr=rate, betas=(0.9, 0.95), weight_decay=0)
    for _ in range(count):
        rows = [data.row(WIDTH) for _ in range(ROWS)]
        ids, nth = torch.tensor([r[0] for r in rows]), torch.tensor([r[1] for r in rows])[:, 1:]
        asked = nth > 0
        loss = F.cross_entropy(model(ids[:, :-1], asked), ids[:, 1:][asked])
        model.zero_grad()
        loss.backward()
        adam.step()


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(7)
    entries, off = corpus.read_entries(), corpus.OffTopic()
    tok = build_tokenizer(entries[:40], off, 600)
    data = corpus.Conversations(entries, off, tok, 7)
    model = Llama(Shape(vocab=len(tok.tokens), dim=1024, layers=3, heads=16, kv_heads=8, ffn=3072))

    def write(name, kind=lambda tensor: Q8_0, called="LLMesh versions", template=TEMPLATE):
        gguf_export.CHAT_TEMPLATE = template
        size = gguf_export.write(model, tok, out / f"{name}.gguf.part", lambda tensor, x: kind(tensor), 7, called, "For measurements.")
        os.replace(out / f"{name}.gguf.part", out / f"{name}.gguf")
        print(f"{name}.gguf: {size:,} bytes", flush=True)

    steps(model, data, 4, 1e-3)
    write("q8")
    write("q8-renamed", called="LLMesh versions, the second edition")
    write("q8-template", template=TEMPLATE.replace("{% for", "{% if not messages %}{{ raise_exception('Say something') }}{% endif %}{% for"))
    # As llama.cpp mixes them: what loses most by it stays finer.
    finer = lambda tensor: any(part in tensor for part in ("token_embd", "attn_v", "ffn_down"))
    write("q4-mixed", lambda tensor: Q8_0 if finer(tensor) else Q4_0)
    write("q4", lambda tensor: Q4_0)
    write("f16", lambda tensor: F16)
    base = {name: p.detach().clone() for name, p in model.named_parameters()}
    steps(model, data, 1, 1e-5, lambda name: name.startswith("blocks.2."))
    write("q8-tuned-top")
    model.load_state_dict(base, strict=False)
    steps(model, data, 1, 1e-5)
    write("q8-tuned")
    write("f16-tuned", lambda tensor: F16)


if __name__ == "__main__":
    main()
