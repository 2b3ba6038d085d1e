#!/usr/bin/env python3
"""Trains the small SentencePiece model of the tests and makes golden ids with it.

Needs `pip install sentencepiece==0.2.1 tokenizers protobuf`. Not run by the tests: the two files are,
and this tells where they come from. Equal versions make equal files.

  make_sentencepiece_model.py --train test/data/sentencepiece.bpe.model
  make_sentencepiece_model.py --golden test/data/sentencepiece.json
  make_sentencepiece_model.py --compare

The model is a unigram one over the speech and the lines of LINES, with the normaliser nmt_nfkc that
XLM-RoBERTa's has: 240 KB of the file are that normaliser's map.

A golden case is {"text": ..., "ids": [...]}: XLM-RoBERTa's ids as its Python tokenizer makes them with
the sentencepiece package, special tokens included, nothing cut. --compare says for which of the cases
`tokenizers`, the implementation in Rust, differs: it normalises whole grapheme clusters, and it scores
each word by itself.
"""

import argparse
import io
import json
import random
import re
import sys
from pathlib import Path

import sentencepiece

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "test/data/sentencepiece.bpe.model"
SPEECH = ROOT / "test/data/state_of_the_union.txt"
VOCABULARY = 1200

LINES = """Der Zug nach München fährt heute später, und die Straße ist nass.
Où est la bibliothèque ? Elle est à côté de la gare, près du café.
El niño compró un café con leche en la esquina de la calle mayor.
Żółta łódź płynie powoli, a dzieci śpią spokojnie w domu.
Bugün hava çok güzel, çocuklar bahçede oynuyor ve şarkı söylüyor.
Hôm nay trời đẹp, chúng tôi đi chợ mua rau và cá.
Сегодня хорошая погода, и дети играют в парке около реки.
Сьогодні гарна погода, і діти грають у парку біля річки.
Σήμερα ο καιρός είναι καλός και τα παιδιά παίζουν στο πάρκο.
היום מזג האוויר יפה והילדים משחקים בגן ליד הנהר.
الطقس جميل اليوم والأطفال يلعبون في الحديقة قرب النهر.
आज मौसम अच्छा है और बच्चे नदी के पास खेल रहे हैं।
วันนี้อากาศดี เด็กๆ เล่นอยู่ในสวนใกล้แม่น้ำ
დღეს კარგი ამინდია და ბავშვები პარკში თამაშობენ.
今天天气很好，孩子们在河边的公园里玩。
今日は天気がいいので、子供たちは川の近くの公園で遊んでいます。
오늘은 날씨가 좋아서 아이들이 강가 공원에서 놀고 있어요.
👍 👩 😀 ❤ → ½ × © « » … – — “ ” ‘ ’ € 1234567890""".split("\n")

SPECIAL = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
# Unicode's White_Space, which Rust trims in front of <mask>.
WHITE_SPACE = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007" \
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

WORDS = """the of and to Ukraine thinking unbelievable transformers don't I'm C++ a_b @me 3.14 American
Straße café łódź погода καιρός שלום الطقس मौसम อากาศ 天气 天気 날씨 ამინდი bipartisan x""".split()
TRAPS = list(SPECIAL) + [
    "<mask>", "<mask", "< s>", "<S>", "</s", "<<s>>", "\uff1cs\uff1e", "<\u200bs>", "\u2581", "\u2581the",
    "cafe\u0301", "\u0130stanbul", "\u1e9e", "\u01c5", "\ufb03", "\ufdfa", "\u00bd", "\u212b", "\uff21",
    "\u037e", "\u00ad", "\u200b", "\u200d", "\u200e", "\ufeff", "\u2028", "\u0085", "\ufffd", "\x00",
    "\x07", "\x0b", "\x1b[0m", "\x1f", "\x7f", "\u1680", "\u180e", "\u202f", "\u205f", "\u1100\u1161\u11a8",
    "\u304b\u3099", "\uff76\uff9e", "\u0915\u093c", "\U0001f469\u200d\U0001f467", "\U0001f1eb\U0001f1f7",
    "\U00020000", "\U000e0041", "\U0010ffff", "\ue000", "漢漢漢漢", "漢 漢", "漢a漢", "x" * 40, "e\u0301" * 20,
    "a" + "\u0301" * 12,
]  # fmt: skip
RANGES = [
    (0x00, 0x7F), (0x80, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF),
    (0xE00, 0xFFF), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x27BF), (0x3000, 0x30FF),
    (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFDFF), (0xFE00, 0xFFEF), (0x1D100, 0x1D7FF),
    (0x1F000, 0x1F9FF), (0x20000, 0x2FA1F), (0xE0000, 0xE01FF),
]  # fmt: skip
JOINTS = [" ", " ", " ", "", "", "-", ".", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000"]


def train(path):
    lines = [line for line in SPEECH.read_text(encoding="utf-8").split("\n") if line] + 3 * LINES
    model = io.BytesIO()
    sentencepiece.set_random_generator_seed(1)
    # Sentences from memory: the file would record the name of another one.
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, model_type="unigram",
        vocab_size=VOCABULARY, character_coverage=1.0, normalization_rule_name="nmt_nfkc",
        num_threads=1, minloglevel=2,
    )  # fmt: skip
    path.write_bytes(model.getvalue())


def special_ids(processor):
    return SPECIAL | {"<mask>": processor.get_piece_size() + 1}


def reference_ids(processor, text):
    special = special_ids(processor)
    ids = [SPECIAL["<s>"]]
    parts = re.split("(" + "|".join(special) + ")", text)
    for index, part in enumerate(parts):
        if part in special:
            ids.append(special[part])
            continue
        if parts[index + 1: index + 2] == ["<mask>"]:
            part = part.rstrip(WHITE_SPACE)
        ids += [piece + 1 if piece else SPECIAL["<unk>"] for piece in processor.encode(part)]
    return [*ids, SPECIAL["</s>"]]


def make_text(rng):
    parts = []
    for _ in range(rng.randint(1, 12)):
        kind = rng.random()
        if kind < 0.45:
            parts.append(rng.choice(WORDS))
        elif kind < 0.75:
            parts.append(rng.choice(TRAPS))
        else:
            first, last = rng.choice(RANGES)
            parts.extend(chr(rng.randint(first, last)) for _ in range(rng.randint(1, 5)))
        parts.append(rng.choice(JOINTS))
    return "".join(parts)


def make_texts(count, seed):
    rng = random.Random(seed)
    texts = ["", " ", "\n\t \u3000", "a", "<s>", "<mask>", " <mask> ", "x \u0085<mask>", *TRAPS, *LINES]
    texts += SPEECH.read_text(encoding="utf-8").split("\n\n")[:3]
    return texts + [make_text(rng) for _ in range(count)]


def make_fast(processor):
    """XLM-RoBERTa's tokenizer.json, built from the same model."""
    import tokenizers
    from sentencepiece import sentencepiece_model_pb2
    from tokenizers import AddedToken, normalizers, pre_tokenizers, processors

    proto = sentencepiece_model_pb2.ModelProto.FromString(MODEL.read_bytes())
    pieces = [(piece.piece, piece.score) for piece in proto.pieces[3:]]
    special = special_ids(processor)
    vocabulary = [(text, 0.0) for text in SPECIAL] + pieces + [("<mask>", 0.0)]
    fast = tokenizers.Tokenizer(tokenizers.models.Unigram(vocabulary, unk_id=SPECIAL["<unk>"]))
    fast.normalizer = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    fast.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("\u2581", "always")]
    )
    fast.add_special_tokens(
        [AddedToken(t, lstrip=t == "<mask>", normalized=False, special=True) for t in special]
    )
    fast.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return fast


def compare(processor, texts):
    fast = make_fast(processor)
    different = [t for t in texts if fast.encode(t).ids != reference_ids(processor, t)]
    for text in different:
        print(f"different: {text!a}\n  {reference_ids(processor, text)}\n  {fast.encode(text).ids}")
    print(f"{len(texts)} cases, {len(different)} different")


def main():
    parser = argparse.ArgumentParser()
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--train", metavar="FILE", type=Path)
    action.add_argument("--golden", metavar="FILE", type=Path)
    action.add_argument("--compare", action="store_true")
    parser.add_argument("--count", type=int, default=250)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    if options.train:
        train(options.train)
        return 0
    processor = sentencepiece.SentencePieceProcessor(model_file=str(MODEL))
    texts = make_texts(options.count, options.seed)
    if options.compare:
        compare(processor, texts)
        return 0
    golden = {
        "about": f"sentencepiece {sentencepiece.__version__}, ids of XLM-RoBERTa, seed {options.seed}, "
        "no truncation, with special tokens",
        "cases": [{"text": text, "ids": reference_ids(processor, text)} for text in texts],
    }
    options.golden.write_text(json.dumps(golden), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
