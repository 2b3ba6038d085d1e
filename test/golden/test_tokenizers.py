"""The tokenizers of checkouts: vecdb's ids are those of Hugging Face's `tokenizers`, text by text.

The checkouts are made by test/python/make_tokenizer.py; vecdb's ids come from the tool token_ids, which
is built beside the unit tests and reads a checkout as `vecdb model add` does.
"""

import json
import random
import struct
import subprocess
import sys
import unicodedata

import pytest
from conftest import DATA, PROGRAM, PROJECT, SPEECH

pytest.importorskip("tokenizers")
sys.path.insert(0, str(PROJECT / "test" / "python"))

import make_checkpoint  # noqa: E402
import make_tokenizer  # noqa: E402
import tokenizer_reference  # noqa: E402
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers  # noqa: E402

TOOL = PROGRAM.parent / "test" / "token_ids"

TRAPS = [
    "", " ", "  ", "   a", "a   ", "\n", "\r\n", " \n ", "\t\ta", "a\u00a0b", "\u3000", "a \u2003 b",
    "\u2028x\u2029", "\x0b\x0c", "\x85", "\x1c\x1d\x1e\x1f", "\x00", "a\x00b", "\x7f", "\u200b", "\ufeff",
    "I'm you're he's they'll we've I'd don't 'S 'LL 'Re ''s '' 's's ' s '\u2019s", "'", "'x", "x'", "'ll'",
    "0123456789", "1,234.5", "²³¹½¼Ⅷ٣", "a1b2", "x" * 500, "ab" * 700, "1" * 300, "." * 257, "-" * 77,
    " " * 100 + "x", "\n" * 50, "=" * 64 + " " + "=" * 3, "!?" * 40, "e\u0301" * 60, "a" + "\u0301" * 30,
    "\u0301x", "한국어 한글", "\u1112\u1161\u11ab", "か\u3099ガ", "カ\uff9e", "漢字かな交じり文", "\U00020000\U0002a6df",
    "👩\u200d👧\u200d👦", "🇫🇷🇩🇪", "👍🏽", "❤\ufe0f", "\ufffd\ue000\U000f0000\U0010ffff",
    "ÀÉÎÕÜ àéîõü", "İstanbul ıŞ", "ẞß ΣΑΣ ς", "ǅǆ ﬃ ﷺ Å Ω", "½\u0301", "①\u0301", "ａｂｃ　ＡＢＣ",
    "__init__(self, *args)", "a_b-c.d/e\\f", "x==y!=z&&w||v", "<|endoftext|>", "\ta = b;\r\n\tc();\r\n",
    "<s>", "</s>", "<pad>", "<unk>", "<mask>", "a <mask> b", "a  \t<mask>  b", "<mask><mask>", "<s>a</s>",
    "<S>", "<s", "s>", "<<s>>", "＜s＞", "a<s> b", "a <s>b", "<ma<mask>sk>", "\u3000<mask>", " <s> ", "<s> <s>",
    "\u2581", "a\u2581b", "\u2581\u2581a", "a \u2581 b", "a\u2581 ", "[CLS]", "[MASK] x", "a[SEP]b", "[sep]",
    "...... ..... .... ... .. .", "aaaaaaaaaaaaaaaa", "tttttt sssss", "of the of the", "thethethe",
]  # fmt: skip


def is_known(character: str) -> bool:
    """Whether ICU and this Python know the character, so that its class cannot be another."""
    return unicodedata.category(character) not in ("Cn", "Cs")


def make_texts(count: int = 3000, seed: int = 7) -> list[str]:
    rng = random.Random(seed)
    texts = TRAPS + make_tokenizer.LINES
    texts += [" ".join(rng.sample(TRAPS, 6)) for _ in range(150)]
    texts += ["".join(rng.sample(TRAPS, 4)) for _ in range(150)]
    while len(texts) < count:
        text = tokenizer_reference.make_text(rng)
        texts.append("".join(c if is_known(c) else "?" for c in text))
    speech = SPEECH.read_text(encoding="utf-8")
    code = [(PROJECT / name).read_text(encoding="utf-8") for name in (
        "core/model/tokenizer/word_splitter.cpp", "scripts/trace_encoder.py", "CMakeLists.txt")]
    return [*texts, speech, speech[:997], *code]


TEXTS = make_texts()


def run_tool(checkout, out, texts=()):
    stdin = "".join(json.dumps(text) + "\n" for text in texts)
    return subprocess.run([TOOL, checkout, out], input=stdin, capture_output=True, text=True,
                          encoding="utf-8", timeout=300)


def read_by_vecdb(checkout, out, texts=()):
    """What vecdb says of the tokenizer, and the texts' ids."""
    out.mkdir(exist_ok=True)
    done = run_tool(checkout, out, texts)
    assert (done.returncode, done.stderr) == (0, "")
    head, *ids = [json.loads(line) for line in done.stdout.splitlines()]
    return head, ids


def check_ids(checkout, tokenizer, out, texts=TEXTS):
    tokenizer.no_padding()
    tokenizer.no_truncation()
    head, found = read_by_vecdb(checkout, out, texts)
    assert head["tokens"] == tokenizer.get_vocab_size()
    assert len(found) == len(texts)
    for text, ids in zip(texts, found, strict=True):
        assert ids == tokenizer.encode(text).ids, ascii(text[:200])
    return head["tokenizer"]


SUBWORD = {"kind": "subword", "file": "tokenizer.vecdb"}
MAKERS = {
    "byte-level BPE": (make_tokenizer.byte_level, [
        {}, {"prefix_space": True}, {"legacy_merges": True, "processor": "template"},
        {"use_regex": False}, {"normalized": True, "processor": "bert"},
        {"processor": "sequence", "normalizer": normalizers.Lowercase(), "normalized": True},
        {"normalizer": normalizers.NFC()},
        {"normalizer": normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])},
        {"before": pre_tokenizers.WhitespaceSplit(), "prefix_space": True},
        {"before": pre_tokenizers.Whitespace(), "processor": "template"},
        {"more": [AddedToken("of the", normalized=True), AddedToken("  "), AddedToken("of")]},
    ]),
    "BPE of characters": (make_tokenizer.characters, [
        {}, {"split": pre_tokenizers.WhitespaceSplit()}, {"fuse": True}, {"lower": False}]),
    "Unigram": (make_tokenizer.unigram, [
        {}, {"split": True}, {"normalizer": "strip"}, {"normalizer": "precompiled", "split": True},
        {"normalizer": "none"}, {"normalizer": "precompiled"}, {"legacy": True},
        {"legacy": True, "split": True}]),
}


@pytest.mark.parametrize(("kind", "options"),
                         [(kind, options) for kind, (_, each) in MAKERS.items() for options in each])
def test_ids_of_a_subword_tokenizer_are_those_of_tokenizers(tmp_path, kind, options):
    tokenizer = MAKERS[kind][0](tmp_path / "hf", **options)
    assert check_ids(tmp_path / "hf", tokenizer, tmp_path / "out") == SUBWORD


@pytest.mark.parametrize("options", [
    {}, {"lower": False}, {"strip": True, "lower": False}, {"strip": False}, {"chinese": False},
    {"processor": "bert"}, {"save_json": False}, {"save_json": False, "lower": False}])
def test_ids_of_a_wordpiece_tokenizer_are_those_of_tokenizers(tmp_path, options):
    tokenizer = make_tokenizer.wordpiece(tmp_path / "hf", **options)
    lower = options.get("lower", True)
    assert check_ids(tmp_path / "hf", tokenizer, tmp_path / "out") == {
        "kind": "wordpiece", "file": "vocab.txt", "lower_case": lower,
        "strip_accents": options.get("strip", lower), "split_chinese": options.get("chinese", True)}


def test_ids_of_a_large_unigram_vocabulary_are_those_of_tokenizers(tmp_path):
    """As many pieces as XLM-RoBERTa's, with scores that are 32-bit floats as in published files."""
    random_numbers = random.Random(5)
    make_tokenizer.unigram(tmp_path / "hf")
    path = tmp_path / "hf" / "tokenizer.json"
    spec = json.loads(path.read_text(encoding="utf-8"))
    letters = "etaoinshrdlucmfwypvbgkqjxz" * 4 + "абвгдежзиклмнопрстуфхцчшщ的一是不了人我在有他这"
    vocabulary = dict(spec["model"]["vocab"][:-1])
    while len(vocabulary) < 250001:
        piece = random_numbers.choice(["", "▁"]) + "".join(
            random_numbers.choices(letters, k=random_numbers.randint(2, 14)))
        score = struct.unpack("f", struct.pack("f", -8 - 9 * random_numbers.random()))[0]
        vocabulary.setdefault(piece, score)
    spec["model"]["vocab"] = [*vocabulary.items(), ("<mask>", 0.0)]
    spec["added_tokens"][-1]["id"] = len(vocabulary)
    path.write_text(json.dumps(spec, ensure_ascii=False), encoding="utf-8")
    texts = ["".join(random_numbers.choices(letters + " " * 20, k=200)) for _ in range(1000)]
    check_ids(tmp_path / "hf", Tokenizer.from_file(str(path)), tmp_path / "out", TEXTS[:1000] + texts)


def test_ids_of_minilms_vocabulary_are_those_of_tokenizers(tmp_path):
    tokenizer = tokenizer_reference.make_tokenizer(DATA / "minilm_vocab.txt")
    (tmp_path / "hf").mkdir()
    tokenizer = make_tokenizer.save(tokenizer, tmp_path / "hf")
    check_ids(tmp_path / "hf", tokenizer, tmp_path / "out")
    assert (tmp_path / "out" / "vocab.txt").read_bytes() == (DATA / "minilm_vocab.txt").read_bytes()


def test_a_sentencepiece_model_is_taken_as_it_is_where_tokenizer_json_agrees(tmp_path):
    make_checkpoint.write_sentencepiece(tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    # Without a map of characters a line break is an unknown character to SentencePiece.
    speech = " ".join(SPEECH.read_text(encoding="utf-8").split())
    texts = [*make_tokenizer.LINES[:3], speech[:3000], "of the x <s> y"]
    assert check_ids(tmp_path, tokenizer, tmp_path / "out", texts) == {
        "kind": "sentencepiece", "file": "sentencepiece.bpe.model"}
    model = (tmp_path / "sentencepiece.bpe.model").read_bytes()
    assert (tmp_path / "out" / "sentencepiece.bpe.model").read_bytes() == model


def test_a_refused_tokenizer_leaves_nothing_behind(tmp_path):
    make_tokenizer.characters(tmp_path / "hf")
    path = tmp_path / "hf" / "tokenizer.json"
    spec = json.loads(path.read_text(encoding="utf-8"))
    spec["pre_tokenizer"] = {"type": "Punctuation", "behavior": "Isolated"}
    path.write_text(json.dumps(spec), encoding="utf-8")
    (tmp_path / "out").mkdir()
    done = run_tool(tmp_path / "hf", tmp_path / "out")
    assert (done.returncode, done.stdout) == (6, "")
    assert f'{path}: pre_tokenizer: type is "Punctuation"' in done.stderr
    assert list((tmp_path / "out").iterdir()) == []
