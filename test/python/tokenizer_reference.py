#!/usr/bin/env python3
"""Makes or checks golden cases for the WordPiece tokenizer with Hugging Face's `tokenizers`.

Needs `pip install tokenizers` (0.23 made test/data/wordpiece.json). Not run by the tests: the golden
file is, and this tells where such a file comes from.

  tokenizer_reference.py VOCAB --check test/data/wordpiece.json
  tokenizer_reference.py VOCAB --out new.json [--count 300] [--seed 1]

A case is {"text": ..., "ids": [...]}: the ids of an uncased BERT tokenizer, special tokens included,
nothing cut. Texts are made from one random.Random(seed): 1 to 12 parts, each drawn from WORDS or
TRAPS or a few characters of one range of RANGES, each followed by one of JOINTS. Equal count, seed
and version of this file make equal texts.
"""

import argparse
import json
import random
import sys

import tokenizers
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = """the of and to Ukraine thinking unbelievable transformers don't I'm C++ a_b @me 3.14
http://a.b/c?d=e bipartisan hardest opioid paycheck""".split()
TRAPS = SPECIAL + [
    "[mask]", "[CLS", "SEP]", "caf\u00e9", "cafe\u0301", "na\u00efve", "\u0130stanbul", "\u1e9e",
    "\u0391\u03a3", "\u01c5", "\ufb03", "\ufdfa", "\u00bd", "\u212b", "\u037e", "\u00ad", "\u200b",
    "\ufeff", "\u2028", "\u0085", "\ufffd", "\x00", "\x0b", "\x1b[0m", "\u166d", "\u2e43", "\u1734",
    "\u0afa", "\U0001d16d\U0001d165", "\U0001f469\u200d\U0001f467", "\U0001f1eb\U0001f1f7",
    "\U00020000", "\U0002b820", "\U0002b920", "\ud55c\uad6d\uc5b4", "x" * 100, "x" * 101,
    "e\u0301" * 100, "e\u0301" * 101,
]  # fmt: skip
RANGES = [
    (0x00, 0x7F), (0x80, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF),
    (0xE00, 0xFFF), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x27BF), (0x3000, 0x30FF),
    (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFDFF), (0xFE00, 0xFFFF), (0x1D100, 0x1D7FF),
    (0x1F000, 0x1F9FF), (0x20000, 0x2FA1F), (0xE0000, 0xE01FF),
]  # fmt: skip
JOINTS = [" ", " ", " ", "", "", "-", ".", "\t", "\n", "\u00a0", "\u3000"]


def make_tokenizer(vocab_path):
    with open(vocab_path, encoding="utf-8", newline="\n") as file:
        tokens = file.read().removesuffix("\n").split("\n")
    ids = {token: line for line, token in enumerate(tokens)}
    tokenizer = tokenizers.Tokenizer(
        WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    tokenizer.normalizer = BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True
    )
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(token, ids[token]) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def make_text(rng):
    parts = []
    for _ in range(rng.randint(1, 12)):
        kind = rng.random()
        if kind < 0.4:
            parts.append(rng.choice(WORDS))
        elif kind < 0.75:
            parts.append(rng.choice(TRAPS))
        else:
            first, last = rng.choice(RANGES)
            parts.extend(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 5)))
        parts.append(rng.choice(JOINTS))
    return "".join(parts)


def check(tokenizer, path):
    with open(path, encoding="utf-8") as file:
        cases = json.load(file)["cases"]
    different = [case["text"] for case in cases if tokenizer.encode(case["text"]).ids != case["ids"]]
    for text in different:
        print(f"different: {text!a}")
    print(f"{len(cases)} cases, {len(different)} different")
    return 1 if different else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vocab", help="vocab.txt of an uncased BERT model")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", metavar="FILE")
    action.add_argument("--out", metavar="FILE")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    tokenizer = make_tokenizer(options.vocab)
    if options.check:
        return check(tokenizer, options.check)
    rng = random.Random(options.seed)
    texts = [make_text(rng) for _ in range(options.count)]
    golden = {
        "about": f"HF tokenizers {tokenizers.__version__}, seed {options.seed}, no truncation, "
        "with special tokens",
        "cases": [{"text": text, "ids": tokenizer.encode(text).ids} for text in texts],
    }
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(golden, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
