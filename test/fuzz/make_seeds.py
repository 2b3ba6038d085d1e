#!/usr/bin/env python3
"""Writes the seed corpora of the fuzz targets, OUT/TARGET/NAME, from the tests' own data.

  make_seeds.py OUT

Seeds are small, because a fuzzer changes a byte at a time, and sound, because what lies behind a check
is reached by inputs that pass it. Each is laid out as the head of TARGET_fuzz.cpp says.
"""

import json
import struct
import sys
from hashlib import sha256
from pathlib import Path

DATA = Path(__file__).resolve().parents[1] / "data"
TEXTS = ["", "Hello, world!", "naïve Straße 東京 ﬁ ½ e\u0301 <mask>x", "[CLS] don't [MASK]stop\t\r\n\u3000end"]


def part(content):
    return struct.pack("<H", len(content)) + content


def read_json(name):
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def safetensors(header, data):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def safetensors_seeds():
    yield "empty", safetensors({}, b"")
    yield "two", safetensors({"__metadata__": {"format": "pt"}, "b": tensor("F32", [2, 1], 3, 11),
                              "a": tensor("I8", [3], 0, 3)}, b"abcdefghijk")
    yield "hollow", safetensors({"x": tensor("F64", [0, 7], 0, 0), "y": tensor("BOOL", [], 0, 1)}, b"\1")
    sizes = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1}
    header, data = {}, b""
    for dtype, size in sizes.items():
        header[dtype.lower()] = tensor(dtype, [2], len(data), len(data) + 2 * size)
        data += b"\x7f\xf0\xff\x7c" * (size // 2) if size > 1 else b"\x7f\xff"
    yield "every_dtype", safetensors(header, data)


def wordpiece_seeds():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    lines = (DATA / "minilm_vocab.txt").read_text(encoding="utf-8").split("\n")
    letters = [line for line in lines if len(line.removeprefix("##")) == 1][::9]
    words = [line for line in lines if line.removeprefix("##").isascii()][2000:30000:211]
    vocabulary = "\n".join([*special, *letters, *words]).encode()
    for number, text in enumerate(TEXTS):
        head = bytes([number, 3 + number]) + part(text.encode())
        yield f"text{number}", head + vocabulary + b"\n"
    yield "crlf", bytes([0, 9]) + part(b"a ab") + "\r\n".join([*special, "a", "##b"]).encode()
    words = [case["text"] for case in read_json("wordpiece.json")["cases"][:200:10]]
    for number, text in enumerate(words):
        yield f"case{number}", bytes([number % 8, 20]) + part(text.encode()[:800]) + vocabulary


# SentencePiece: protobuf's wire format, and the trie of a normaliser.


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def flag(number, value):
    return varint(number << 3) + varint(value)


def piece(text, score, kind=1):
    return field(1, field(1, text.encode()) + varint(2 << 3 | 5) + struct.pack("<f", score) + flag(3, kind))


def pieces_of(model, count):
    """The first pieces of a real model, as they are written in it."""
    at = 0
    for _ in range(count):
        assert model[at] == 1 << 3 | 2 and model[at + 1] < 0x80
        end = at + 2 + model[at + 1]
        yield model[at:end]
        at = end


def charsmap(rules):
    """precompiled_charsmap: a double array as Darts-clone lays it out, then the replacements."""
    replacements, offsets = b"", {}
    for key, value in rules.items():
        offsets[key.encode()] = len(replacements)
        replacements += value.encode() + b"\0"
    units, bases = {}, set()
    nodes = [(0, b"")]
    while nodes:
        place, prefix = nodes.pop()
        labels = sorted({key[len(prefix)] for key in offsets if key.startswith(prefix) and key != prefix})
        leaf = prefix in offsets
        taken = {0, *units, *(node for node, _ in nodes)}
        children = [0] * leaf + labels
        base = next(b for b in range(1, 1 << 20)
                    if b not in bases and all(b ^ label not in taken for label in children))
        bases.add(base)
        units[place] = (place ^ base) << 10 | leaf << 8 | (prefix[-1] if prefix else 0)
        if leaf:
            units[base] = 1 << 31 | offsets[prefix]
        nodes += [(base ^ label, prefix + bytes([label])) for label in labels]
    count = (max(units) // 256 + 1) * 256
    unused = next(b for b in range(count) if b not in bases)
    trie = [units.get(place, (place ^ unused) & 0xFF) for place in range(count)]
    return struct.pack(f"<I{count}I", 4 * count, *trie) + replacements


def sentencepiece_seeds():
    real = list(pieces_of((DATA / "sentencepiece.bpe.model").read_bytes(), 90))
    first = b"".join(real[:3])
    small = first + piece("▁", -3) + piece("a", -1) + piece("ab", -1.5) + piece("▁a", -2, 5)
    rules = {"A": "a", "\t": " ", "\n": " ", "é": "e", "e\u0301": "é", "ﬁ": "fi", "½": "1⁄2", "\u00ad": "", "東": "京"}
    maps = [b"", charsmap({"A": "b"}), charsmap({"A": "a", "AA": "aa", "AAA": "b"}), charsmap(rules)]
    trainer = field(2, flag(3, 1) + flag(24, 0) + flag(35, 0))
    for number, rules_map in enumerate(maps):
        normalizer = field(3, field(1, b"nmt") + field(2, rules_map) + flag(3, 1) + flag(4, 1) + flag(5, 1))
        for text in TEXTS[number % 2::2]:
            head = bytes([number]) + part(("AAAA ab é " + text).encode())
            yield f"small{number}-{len(text)}", head + small + trainer + normalizer
            yield f"real{number}-{len(text)}", head + b"".join(real) + trainer + normalizer
    yield "bare", bytes([9]) + part(b"abba") + small


def manifest(architecture, tokenizer, tensors):
    digest = sha256(architecture.encode()).hexdigest()
    names = ["encoder.pt", "model.safetensors", tokenizer["file"]]
    return json.dumps({
        "format": 1, "name": "m", "architecture": architecture, "dimension": 2, "window": 8,
        "vocabulary_size": 9, "pooling": "mean", "normalize": True, "query_prefix": "", "passage_prefix": "p: ",
        "licence": "mit", "ignored_tensors": ["pooler"],
        "tensors": {name: {"dtype": "F32", "shape": [9, 2]} for name in tensors},
        "tokenizer": tokenizer, "files": {name: digest for name in names},
        "self_test": [{"text": "a", "vector": [0.6, -0.8]}],
    }).encode()


def manifest_seeds():
    table = "embeddings.position_embeddings.weight"
    wordpiece = {"kind": "wordpiece", "file": "vocab.txt", "lower_case": True, "strip_accents": True,
                 "split_chinese": True}
    sentencepiece = {"kind": "sentencepiece", "file": "sentencepiece.bpe.model"}
    yield "bert", manifest("bert", wordpiece, [table, "embeddings.word_embeddings.weight"])
    yield "jina", manifest("jina-bert", wordpiece, ["embeddings.word_embeddings.weight"])
    yield "xlm", manifest("xlm-roberta", sentencepiece, [table])


def json_seeds():
    yield "mixed", b'{"a":[1,-2,3.5e-7,1e308,true,false,null],"b":{"":"\\u00e9\\ud83d\\ude00\\n"},"c":[]}'
    yield "deep", b"[" * 64 + b"]" * 64
    yield "numbers", b"[0,-0,-0.0,18446744073709551615,-9223372036854775808,0.1,5e-324,123456789012345678901]"
    yield "case", json.dumps(read_json("wordpiece.json")["cases"][3]).encode()


def record_seeds():
    yield "text", b'{"text":"tea"}'
    yield "document", b'{"uri":"a","text":"tea","meta":{"author":"x","n":[1,{}]},"other":1}'
    yield "chunk", b'{"uri":"a","chunk":0,"start":3,"end":6,"line":2,"text":"tea"}'
    yield "place", b'{"text":"\\ud83d\\ude00","line":1,"start":9223372036854775807,"chunk":1,"uri":"a"}'


def splitter_cases():
    for number, case in enumerate(read_json("splitters.json")["cases"][::4]):
        if case["splitter"] == "character":
            yield number, case, case["separator"].encode(), case["text"].encode()[:1500]


def splitter_seeds():
    keep = {False: 0, "start": 1, True: 1, "end": 2}
    for number, case, separator, text in splitter_cases():
        bits = case["is_separator_regex"] | (not case["strip_whitespace"]) << 1 | keep[case["keep_separator"]] << 2
        sizes = [min(case["chunk_size"], 255), min(case["chunk_overlap"], 255)]
        yield f"case{number}", bytes([bits, *sizes]) + part(separator) + text
    yield "runs", bytes([0, 4, 1]) + part(b"--") + b"a----b-- --c------d e--"
    yield "characters", bytes([2, 3, 1]) + part(b"") + "aé東\n😀b\r\nc".encode()


REGEXES = [
    r"\s+", r"[.!?] ", r"(a)(b)?\1", r"(?i)straße", r"(?<=\. )(?=[A-Z])", r"(?P<x>a|b)(?(x)c|d)", r"^\w+$", r"(?m)^$",
    r"[^\W\d_]{2,5}?", r"(?:a*)*", r"\bfoo\b", r"a{,3}", r"[\]\-a-z]", r"(?s:.)(?-i:x)", r"\x41\u00e9\U0001F600\0\101",
    r"(?x) a b # c", r"(?!a|b)\S", r"(?P=x)", r"[[:alpha:]]", r"\A|\Z", "é|東", r"(?<!\n)\n(?!\n)", r"(?=(a+))", r"\d\D",
]


def regex_seeds():
    for number, expression in enumerate(REGEXES):
        text = "A. Bab foo straße x\n\nSTRASSE é東😀 ab12 "
        yield f"own{number}", bytes([number % 2]) + part(expression.encode()) + text.encode()


def utf8_seeds():
    for number, text in enumerate([*TEXTS, "\ufeffmark", "\U0010ffff\uffff\ud7ff\ue000\u07ff\u0800\x7f\x80"]):
        yield f"text{number}", text.encode()
    yield "utf16", "text".encode("utf-16")
    yield "invalid", b"a\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf\xe0\x80\x80\xf8"


def head_seeds():
    body = b"vecdb store\nformat %d\nstore 0123456789abcdef0123456789abcdef\ngeneration %d\n"
    yield "one", b"\1" + body % (1, 1)
    yield "newer", b"\1" + body % (2, 77)
    yield "large", b"\0" + (body % (1, 5)).ljust(5000)
    yield "whole", b"\0" + body % (1, 5) + b"sha256 " + sha256(body % (1, 5)).hexdigest().encode() + b"\n"


TARGETS = {
    name.removesuffix("_seeds"): function for name, function in list(globals().items()) if name.endswith("_seeds")
}


def main():
    out = Path(sys.argv[1])
    for target, seeds in TARGETS.items():
        (out / target).mkdir(parents=True, exist_ok=True)
        for name, content in seeds():
            (out / target / name).write_bytes(content)


if __name__ == "__main__":
    main()
