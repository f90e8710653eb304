"""Byte-level BPE, small enough to read: trainer, encoder, and the tables that GGUF wants.

llama.cpp applies the `gpt-2` pre-tokenizer to a file that says `tokenizer.ggml.pre = gpt-2`. Its pattern is

    's|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+

Python's `re` has no \\p{L}. The corpus is ASCII, where [A-Za-z] and [0-9] are the same thing; outside ASCII
(only in the off-topic prompts) `[^\\W\\d_]` stands for \\p{L}, which differs for a handful of numerals such as "½".
"""
import collections
import re

IM_START, IM_END, END_OF_TEXT = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
SPECIALS = [IM_START, IM_END, END_OF_TEXT]

PRE = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")
SPLIT = re.compile("(" + "|".join(re.escape(s) for s in SPECIALS) + ")")


def byte_alphabet():
    """GPT-2's map of the 256 bytes to printable characters, in the order of the first 256 token ids."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {b: chr(b) for b in printable}
    extra = 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + extra)
            extra += 1
    return table


BYTES = byte_alphabet()


class Tokenizer:
    """merges: list of (left, right) in byte-alphabet characters, best first."""

    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.tokens = [BYTES[b] for b in range(256)] + [a + b for a, b in self.merges] + SPECIALS
        self.ids = {t: i for i, t in enumerate(self.tokens)}
        self.ranks = {m: i for i, m in enumerate(self.merges)}
        self.im_start, self.im_end, self.end_of_text = (self.ids[s] for s in SPECIALS)
        self._cache = {}

    def encode(self, text):
        """Token ids of text; the three special tokens are recognised when written out."""
        out = []
        for part in SPLIT.split(text):
            if part in SPECIALS:
                out.append(self.ids[part])
            else:
                for word in PRE.findall(part):
                    out.extend(self._word(word))
        return out

    def decode(self, ids):
        back = {c: b for b, c in BYTES.items()}
        raw = bytearray()
        for i in ids:
            token = self.tokens[i]
            raw += token.encode() if token in SPECIALS else bytes(back[c] for c in token)
        return raw.decode("utf-8", "replace")

    def _word(self, word):
        cached = self._cache.get(word)
        if cached is None:
            parts = [BYTES[b] for b in word.encode("utf-8")]
            while len(parts) > 1:
                rank, i = min((self.ranks.get(p, 1 << 30), i) for i, p in enumerate(zip(parts, parts[1:])))
                if rank == 1 << 30:
                    break
                parts[i:i + 2] = [parts[i] + parts[i + 1]]
            cached = self._cache[word] = [self.ids[p] for p in parts]
        return cached


def train(weighted_texts, vocab_size):
    """weighted_texts: iterable of (text, weight). Deterministic: ties go to the smaller pair."""
    counts = collections.Counter()
    for text, weight in weighted_texts:
        for word in PRE.findall(text):
            counts[word] += weight
    words = [([BYTES[b] for b in w.encode("utf-8")], n) for w, n in sorted(counts.items())]
    pairs, where = collections.Counter(), collections.defaultdict(set)
    for i, (parts, n) in enumerate(words):
        for p in zip(parts, parts[1:]):
            pairs[p] += n
            where[p].add(i)
    merges, seen = [], set(BYTES.values())
    while len(merges) < vocab_size - 256 - len(SPECIALS):
        best = min(pairs, key=lambda p: (-pairs[p], p))
        if pairs[best] <= 0:
            raise SystemExit(f"the corpus gives only {len(merges)} merges: lower the vocabulary size")
        joined = best[0] + best[1]
        if joined in seen:  # two ways to the same token would make two ids for one string
            pairs[best] = -1
            continue
        seen.add(joined)
        merges.append(best)
        for i in sorted(where[best]):
            parts, n = words[i]
            for p in zip(parts, parts[1:]):
                pairs[p] -= n
            j = 0
            while j < len(parts) - 1:
                if (parts[j], parts[j + 1]) == best:
                    parts[j:j + 2] = [joined]
                j += 1
            for p in zip(parts, parts[1:]):
                pairs[p] += n
                where[p].add(i)
        pairs.pop(best, None)
    return Tokenizer(merges)
