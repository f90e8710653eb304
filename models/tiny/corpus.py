"""Reads corpus/ and turns it into training conversations.

corpus/*.md: one `## canonical question` each, then a list of paraphrases (`- ` trained, `* ` held out), a blank
line, and the answer. corpus/off-topic.json: everything that must be answered with the one refusal.
"""
import dataclasses
import json
import pathlib
import random
import re

HERE = pathlib.Path(__file__).parent


@dataclasses.dataclass
class Entry:
    question: str
    paraphrases: list
    held_out: list
    answer: str
    topic: str


def read_topic(path):
    entries = []
    for section in re.split(r"^## ", path.read_text(), flags=re.M)[1:]:
        head, _, answer = section.partition("\n\n")
        question, *listed = head.split("\n")
        entries.append(Entry(question.strip(), [p[2:].strip() for p in listed if p.startswith("- ")],
                             [p[2:].strip() for p in listed if p.startswith("* ")], answer.strip(), path.stem))
    return entries


def read_entries(folder=HERE / "corpus"):
    return [e for path in sorted(folder.glob("*.md")) for e in read_topic(path)]


class OffTopic:
    """Prompts that are not about LLMesh: written by hand, composed from templates, and noise."""

    def __init__(self, path=HERE / "corpus" / "off-topic.json"):
        data = json.loads(path.read_text())
        self.refusal, self.fillers = data["refusal"], data["fillers"]
        self.templates, self.prompts, self.held_out = data["templates"], data["prompts"], data["heldOut"]
        self.words = sorted({w for f in self.fillers.values() for item in f for w in item.split()})

    def sample(self, rng):
        dice = rng.random()
        if dice < 0.62:
            template = rng.choice(self.templates)
            return re.sub(r"\{(\w+)\}", lambda m: rng.choice(self.fillers[m[1]]), template)
        if dice < 0.88:
            return rng.choice(self.prompts)
        return self.noise(rng)

    def noise(self, rng):
        kind = rng.randrange(4)
        if kind == 0:  # keys at random
            return " ".join("".join(rng.choice("abcdefghijklmnopqrstuvwxyz" + rng.choice(["", "0123456789", ";,./'[]"]))
                                    for _ in range(rng.randint(2, 12))) for _ in range(rng.randint(1, 4)))
        if kind == 1:  # sums
            a, b = rng.randint(0, 999), rng.randint(1, 99)
            op = rng.choice(["+", "-", "*", "/", "plus", "minus", "times", "divided by"])
            return rng.choice(["What is {} {} {}?", "{} {} {}", "{} {} {} =", "Calculate {} {} {}", "how much is {} {} {}"]).format(a, op, b)
        if kind == 2:  # words that belong to nothing
            return " ".join(rng.choice(self.words) for _ in range(rng.randint(1, 7)))
        return rng.choice(["tell me about {}", "{}", "{}?", "what about {}", "do you know {}?", "more about {} please"]).format(
            rng.choice(rng.choice(sorted(self.fillers.items()))[1]))


PREFIXES = ["please ", "hey, ", "hi, ", "hello, ", "can you tell me ", "could you explain ", "I want to know ", "so ", "ok, ", "and ",
            "quick question: ", "tell me ", "tell me, ", "I was wondering ", "I have a question. ", "also, ", "but ", "now ", "um, ", "please tell me "]
SUFFIXES = [" please", " thanks", ", please", " thank you", " now", " exactly", " in short", " then", " here", ", can you explain"]
FUNCTION_WORDS = set("the a an my is are do does i to of on in it that this for can will with and any some me you be would".split())
SWAPS = [("how do i", "how can i"), ("how do i", "how to"), ("how can i", "how do i"), ("how do i", "what is the way to"), ("how can i", "what do i do to"),
         ("what is", "what's"), ("computer", "machine"), ("computer", "pc"), ("computer", "laptop"), ("machine", "computer"),
         ("llmesh", "the mesh"), ("llmesh", "this"), ("llmesh", "it"), ("the mesh", "llmesh"), ("this project", "llmesh"), ("llmesh", "the network"),
         ("start", "begin"), ("my prompt", "my message"), ("prompts", "messages"), ("my prompts", "my chats"), ("messages", "prompts"), ("does", "will"), ("can i", "may i"),
         ("can i", "am i able to"), ("do i need", "is there a need for"), ("why is", "why's"), ("phone", "mobile"), ("phone", "smartphone"),
         ("which", "what"), ("what", "which"), ("donate", "lend"), ("donating", "lending"), ("volunteers", "people"), ("volunteer", "provider"),
         ("provider", "volunteer"), ("see", "read"), ("graphics card", "gpu"), ("gpu", "graphics card"), ("answer", "reply"), ("answers", "replies"), ("fast", "quick"),
         ("cost", "price"), ("is it", "is llmesh"), ("need", "require"), ("use", "run"), ("happens", "occurs"), ("tell me about", "explain"), ("explain", "describe")]


def augment(question, rng):
    """The same question as other people would type it. Never drops a word that carries meaning."""
    q = question
    if rng.random() < 0.35:
        low = q.lower()
        fitting = [s for s in SWAPS if re.search(rf"\b{re.escape(s[0])}\b", low)]
        if fitting:
            old, new = rng.choice(fitting)
            q = re.sub(rf"\b{re.escape(old)}\b", new, low, count=1)
    if rng.random() < 0.15:
        words = q.split()
        light = [i for i, w in enumerate(words) if w.lower() in FUNCTION_WORDS]
        drop = set(light if rng.random() < 0.3 else rng.sample(light, min(1, len(light))))
        if len(words) - len(drop) >= 2:
            q = " ".join(w for i, w in enumerate(words) if i not in drop)
    if rng.random() < 0.12:
        q = rng.choice(PREFIXES) + (q[:1].lower() + q[1:] if not q.startswith(("LLM", "I ", "GPU", "GGUF", "TURN")) else q)
    if rng.random() < 0.08:
        q = q.rstrip("?.") + rng.choice(SUFFIXES) + rng.choice(["", "?"])
    if rng.random() < 0.05:  # one slip of the fingers
        i = rng.randrange(max(1, len(q) - 1))
        q = q[:i] + q[i + 1:i + 2] + q[i:i + 1] + q[i + 2:] if rng.random() < 0.5 else q[:i] + q[i + 1:]
    if rng.random() < 0.45:
        q = q.lower()
    if rng.random() < 0.35:
        q = q.rstrip("?.! ")
    elif rng.random() < 0.05:
        q = re.sub(r"[,.?!']", "", q)
    return (q[:1].upper() + q[1:] if rng.random() < 0.3 else q) or question


SYSTEM = ["You are a helpful assistant.", "You are a helpful, respectful and honest assistant.", "Answer in plain English.", "Be brief.", "You are the assistant of LLMesh.",
          "You are a helpful assistant. Answer shortly and truthfully.",
          "You are a helpful, respectful and honest assistant. Always answer as helpfully as possible.\nIf a question does not make any sense, or is not "
          "factually coherent, explain why instead of answering something not correct. If you don't know the answer to a question, don't share false information."]


def turn(role, content):
    return f"<|im_start|>{role}\n{content}<|im_end|>\n"


class Conversations:
    """Endless training rows. Every entry comes up equally often; the mix of wordings and off-topic turns is random."""

    def __init__(self, entries, off_topic, tok, seed, off_share=0.24):
        self.entries, self.off, self.tok, self.rng, self.off_share = entries, off_topic, tok, random.Random(seed), off_share
        self.deck = []
        self.cut = {e.answer: tok.encode(e.answer) for e in entries}
        self.cut[off_topic.refusal] = tok.encode(off_topic.refusal)
        self.head, self.middle, self.tail = tok.encode("<|im_start|>user\n"), tok.encode("<|im_end|>\n<|im_start|>assistant\n"), tok.encode("<|im_end|>\n")

    def pick(self):
        rng = self.rng
        if rng.random() < self.off_share:
            return augment(self.off.sample(rng), rng), self.off.refusal
        if not self.deck:
            self.deck = list(range(len(self.entries)))
            rng.shuffle(self.deck)
        e = self.entries[self.deck.pop()]
        wording = e.question if rng.random() < 0.2 else rng.choice(e.paraphrases or [e.question])
        return (augment(wording, rng) if rng.random() < 0.75 else wording), e.answer

    def row(self, width):
        """width + 1 token ids and, for each, 0 if it is given or n if it is the nth token of an answer to learn."""
        rng, ids, asked = self.rng, [], []

        def add(tokens, wanted=False):
            ids.extend(tokens)
            asked.extend(range(1, len(tokens) + 1) if wanted else [0] * len(tokens))

        if rng.random() < 0.15:  # some engines put a BOS in front whatever the file says
            add([self.tok.end_of_text])
        if rng.random() < 0.08:
            add(self.tok.encode(turn("system", rng.choice(SYSTEM))))
        while len(ids) <= width:
            question, answer = self.pick()
            answer = self.cut[answer]
            q = self.tok.encode(question)
            if rng.random() < 0.3:  # a word it has never seen must not throw it off
                q = [rng.randrange(len(self.tok.tokens) - 3) if rng.random() < 0.06 else t for t in q]
            add(self.head + q + self.middle)
            if rng.random() < 0.04 and len(answer) > 12:  # stopped by the user: stays in the history, is not to be imitated
                add(answer[:rng.randrange(4, len(answer))])
                add(self.tail)
            else:
                add(answer + self.tail[:1], True)
                add(self.tail[1:])
        return ids[:width + 1], asked[:width + 1]
