"""Reads the King James Version, whose copyright has expired, from Debian's `bible-kjv`, and makes conversations of it.

The asker says some verses and the model goes on with the next ones, so that no answer can be known by heart: what comes next is
open at every word, as it is in real chats. A system prompt that names a book has an effect of its own.
"""
import random
import re
import subprocess

BOOK = re.compile(r"^(\d?[A-Za-z]+)\d+:\d+ (.*)$")
SYSTEM_SHARE, PLAIN_SHARE = 0.3, 0.15
# What another operator's system prompt sounds like: it must not be a sequence that was never seen.
OTHER_SYSTEMS = ["You are a helpful assistant.", "Be brief.", "Answer in plain English.", "Speak of kings and of war.", "Praise the house of David in every answer."]


def read_verses():
    """(book, verse) in order."""
    lines = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout.splitlines()
    matched = [BOOK.match(line) for line in lines]
    return [(m[1], m[2].strip()) for m in matched if m]


def turn(role, content):
    return f"<|im_start|>{role}\n{content}<|im_end|>\n"


class Conversations:
    """Endless training rows. The last verse of every hundred is held out."""

    def __init__(self, verses, tok, seed, held_out=False):
        self.tok, self.rng = tok, random.Random(seed)
        self.verses = verses
        blocks = range(0, len(verses) - 100, 100)
        self.starts = [b + i for b in blocks for i in range(100) if (i >= 90) == held_out]

    def said(self, at, tokens):
        """Whole verses from `at`, about so many tokens of them, and the index of the next one."""
        ids = self.tok.encode(self.verses[at][1])
        at += 1
        while len(ids) < tokens and at < len(self.verses):
            ids += self.tok.encode(" " + self.verses[at][1])
            at += 1
        return ids, at

    def row(self, width):
        """width + 1 token ids."""
        rng, tok, ids = self.rng, self.tok, []
        while len(ids) <= width:
            at = rng.choice(self.starts)
            if rng.random() < PLAIN_SHARE:
                ids += self.said(at, rng.randint(40, 200))[0] + [tok.end_of_text]
                continue
            if rng.random() < SYSTEM_SHARE:
                known = rng.random() < 0.7
                ids += tok.encode(turn("system", f"You read from {self.verses[at][0]}." if known else rng.choice(OTHER_SYSTEMS)))
            for _ in range(rng.choice([1, 1, 2, 3])):
                asked, at = self.said(at, rng.choice([8, 30, 60, 120]))
                if at >= len(self.verses) - 20:
                    break
                if rng.random() < 0.3:
                    asked = asked[:rng.randint(max(1, len(asked) // 3), len(asked))]
                answer, at = self.said(at, rng.choice([40, 80, 160, 240]))
                ids += tok.encode("<|im_start|>user\n") + asked + tok.encode("<|im_end|>\n<|im_start|>assistant\n") + answer + tok.encode("<|im_end|>\n")
        return ids[:width + 1]


def conversations(verses, seed, count):
    """What the benchmark and the tests ask: held-out verses, as turns of a chat."""
    rng = random.Random(seed)
    starts = [i for i in range(len(verses) - 100) if i % 100 >= 90]
    chats = []
    for at in rng.sample(starts, count):
        turns = [{"role": "system", "content": f"You read from {verses[at][0]}."}] if rng.random() < SYSTEM_SHARE else []
        for _ in range(rng.choice([0, 0, 1, 2])):
            turns += [{"role": "user", "content": verses[at][1]}, {"role": "assistant", "content": verses[at + 1][1]}]
            at += 2
        chats.append(turns + [{"role": "user", "content": " ".join(v for _, v in verses[at:at + rng.choice([1, 1, 2, 3])])}])
    return chats


if __name__ == "__main__":
    import json
    import pathlib
    asked = conversations(read_verses(), 15, 60)
    pathlib.Path(__file__).with_name("questions.json").write_text("[\n" + ",\n".join(map(json.dumps, asked)) + "\n]\n")
