#!/usr/bin/env python3
"""Writes the seed corpora of the fuzz targets, OUT/TARGET/NAME, from the tests' own data.

  make_seeds.py OUT

Seeds are small, because a fuzzer changes a byte at a time, and sound, because what lies behind a check
is reached by inputs that pass it. Each is laid out as the head of TARGET_fuzz.cpp says.
"""

import base64
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


def encoder_tensors(rotary):
    """Of one layer that is 2 wide."""
    linears = {"self_attn.q_proj": 2, "self_attn.k_proj": 2, "self_attn.v_proj": 2, "self_attn.o_proj": 2,
               "mlp.fc1": 2, "mlp.fc2": 2} if rotary else {
        f"attention.{part}": 2 for part in ("self.query", "self.key", "self.value", "output.dense")} | {
        "intermediate.dense": 2, "output.dense": 2}
    norms = ("post_attention_layernorm", "post_mlp_layernorm") if rotary else (
        "attention.output.LayerNorm", "output.LayerNorm")
    layer = "layers.0." if rotary else "encoder.layer.0."
    shapes = {"embeddings.word_embeddings.weight": [9, 2], "embeddings.token_type_embeddings.weight": [2, 2],
              "embeddings.LayerNorm.weight": [2], "embeddings.LayerNorm.bias": [2]}
    if not rotary:
        shapes["embeddings.position_embeddings.weight"] = [12, 2]
    for name, out in linears.items():
        shapes |= {f"{layer}{name}.weight": [out, 2], f"{layer}{name}.bias": [out]}
    for name in norms:
        shapes |= {f"{layer}{name}.weight": [2], f"{layer}{name}.bias": [2]}
    return shapes


def manifest(architecture, tokenizer, **changes):
    digest = sha256(architecture.encode()).hexdigest()
    names = ["encoder.pt", "model.safetensors", tokenizer["file"]]
    rotary = architecture == "jina-v3-plain"
    plain = {"prefix": "", "task": ""}
    return json.dumps({
        "format": 2, "name": "m", "source": "",
        "encoder": {"architecture": architecture, "num_hidden_layers": 1, "num_attention_heads": 1,
                    "hidden_size": 2, "intermediate_size": 2, "vocab_size": 9, "type_vocab_size": 2,
                    "max_position_embeddings": 12, "layer_norm_eps": 1e-12, "first_position": 2,
                    "rope_base": 20000.0 if rotary else 0.0, "adapters": [], "lora_rank": 0,
                    "lora_alpha": 0.0},
        "window": 8, "pooling": "mean", "normalize": True, "dimensions": [1, 2], "query": plain,
        "passage": plain | {"prefix": "p: "}, "tasks": {}, "licence": "mit", "tokenizer": tokenizer,
        "files": {name: digest for name in names}, "tensor_prefix": "bert.", "ignored_tensors": ["pooler"],
        "tensors": {"bert." + name: {"dtype": "F32", "shape": shape}
                    for name, shape in encoder_tensors(rotary).items()},
        "self_test": [{"text": "a", "task": "", "vector": [0.6, -0.8]}],
    } | changes).encode()


def manifest_seeds():
    wordpiece = {"kind": "wordpiece", "file": "vocab.txt", "lower_case": True, "strip_accents": True,
                 "split_chinese": True}
    sentencepiece = {"kind": "sentencepiece", "file": "sentencepiece.bpe.model"}
    yield "bert", manifest("bert", wordpiece)
    yield "xlm", manifest("xlm-roberta", sentencepiece)
    yield "v3", manifest("jina-v3-plain", wordpiece)
    yield "other", manifest("jina-bert", wordpiece)


# Tokenizers: a checkout's tokenizer.json, and the file that is made of it.


def byte_characters():
    """GPT-2's character for each byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def added(tokens, **changes):
    return [{"id": id, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True} | changes for id, token in enumerate(tokens)]


def tokenizer_json(model, tokens, normalizer, pre_tokenizer, processor):
    return json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": tokens, "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer, "post_processor": processor, "decoder": None, "model": model,
    }, ensure_ascii=False).encode()


def template(first, last):
    return {"type": "TemplateProcessing", "pair": [],
            "single": [{"SpecialToken": {"id": first[0], "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": last[0], "type_id": 0}}],
            "special_tokens": {token: {"id": token, "ids": [id], "tokens": [token]} for token, id in (first, last)}}


def checkouts():
    bert = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = [*bert, "a", "b", "##a", "##b", "hello", ",", "東"]
    yield "wordpiece", tokenizer_json(
        {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
         "max_input_chars_per_word": 100, "vocab": {token: id for id, token in enumerate(words)}},
        added(bert),
        {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None,
         "lowercase": True},
        {"type": "BertPreTokenizer"}, template(("[CLS]", 2), ("[SEP]", 3)))

    special = ["<s>", "</s>", "<unk>"]
    tokens = [*special, *byte_characters().values(), "he", "ll", "hell", "Ġa", "Ġab"]
    merges = [["h", "e"], ["l", "l"], "he ll", ["Ġ", "a"], ["Ġa", "b"]]
    yield "bytes", tokenizer_json(
        {"type": "BPE", "vocab": {token: id for id, token in enumerate(tokens)}, "merges": merges,
         "fuse_unk": False, "unk_token": None, "dropout": None},
        added(special, normalized=True), None,
        {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True, "trim_offsets": True},
        {"type": "RobertaProcessing", "cls": ["<s>", 0], "sep": ["</s>", 1], "trim_offsets": True,
         "add_prefix_space": True})

    tokens = [*special, "a", "b", "ab", "é", "▁", "▁a"]
    yield "characters", tokenizer_json(
        {"type": "BPE", "vocab": {token: id for id, token in enumerate(tokens)},
         "merges": ["a b", "▁ a"], "fuse_unk": True, "unk_token": "<unk>"},
        added([*special, "x y"])[:3], {"type": "Lowercase"}, {"type": "WhitespaceSplit"},
        {"type": "BertProcessing", "cls": ["<s>", 0], "sep": ["</s>", 1]})

    rules = base64.b64encode(charsmap({"A": "a", "é": "e", "ﬁ": "fi", "\u00ad": ""})).decode()
    pieces = [["<s>", 0], ["</s>", 0], ["<unk>", 0], ["▁", -2.5], ["a", -1.25], ["ab", -3e-7], ["▁a", -12.34567]]
    yield "unigram", tokenizer_json(
        {"type": "Unigram", "unk_id": 2, "vocab": pieces, "byte_fallback": False}, added(special, lstrip=True),
        {"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": rules},
            {"type": "Strip", "strip_left": False, "strip_right": True},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"}]},
        {"type": "Sequence", "pretokenizers": [
            {"type": "WhitespaceSplit"},
            {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}]},
        template(("<s>", 0), ("</s>", 1)))


def tokenizer_seeds():
    config = {"do_lower_case": True, "tokenize_chinese_chars": True, "strip_accents": None,
              "tokenizer_class": "BertTokenizer", "truncation_side": "right", "unk_token": "[UNK]"}
    text = "Hello, ab 東 café ﬁ  a<s>x y "
    for name, content in checkouts():
        both = json.dumps(config).encode() if name == "wordpiece" else b""
        yield name, bytes([0, 9]) + part(text.encode()) + part(both) + content
        yield name + "_alone", bytes([0, 200]) + part(text[::-1].encode()) + part(b"") + content
    vocabulary = "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "##a", "a", ","]).encode()
    yield "vocabulary", bytes([1, 9]) + part(text.encode()) + part(json.dumps(config).encode()) + vocabulary


def sections(*contents):
    return b"".join(struct.pack("<Q", len(content)) + content for content in contents)


def subword_file(model, tokens, added_tokens, normalizer, words, *contents):
    settings = {
        "tokens": tokens, "opening": 0, "closing": 1, "added": added_tokens,
        "normalizer": {"lower_case": False, "strip_left": True, "strip_right": True} | normalizer,
        "words": {"split": "none", "form": "plain", "space_before": False, "by_pattern": True} | words, "model": model}
    return b"vecdb tokenizer 1\n" + json.dumps(settings).encode() + b"\n" + sections(*contents)


def subword_seeds():
    text = part("Hello ab  <s>aab\u3000bé".encode())
    special = [{"content": "<s>", "id": 0, "takes_space_before": True, "in_normalized": False},
               {"content": "lo", "id": 2, "takes_space_before": False, "in_normalized": True}]
    symbols = struct.pack("<12I", *(number for pair in zip(b"abehl ", range(3, 9)) for number in pair))
    merges = struct.pack("<9I", 3, 4, 9, 8, 3, 10, 10, 4, 11)
    yield "bytes", bytes([5]) + text + subword_file(
        {"kind": "bpe", "alphabet": "bytes", "fuse_unknown": False}, 12, special, {},
        {"form": "byte level", "space_before": True}, b"", symbols, merges)
    yield "characters", bytes([9]) + text + subword_file(
        {"kind": "bpe", "alphabet": "characters", "fuse_unknown": True, "unknown": 2}, 12, special,
        {"lower_case": True, "spaces": "▁"}, {"split": "words"}, b"", symbols, merges)
    pieces = ["<s>", "</s>", "<unk>", "▁", "a", "b", "ab", "▁a", "é", "hel"]
    ends = [len("".join(pieces[:count]).encode()) for count in range(1, len(pieces) + 1)]
    yield "unigram", bytes([200]) + text + subword_file(
        {"kind": "unigram", "unknown": 2}, 10, special, {}, {"split": "white space", "form": "metaspace"},
        charsmap({"A": "a", "é": "e", "AA": "b"}), "".join(pieces).encode(), struct.pack("<10I", *ends),
        struct.pack("<10d", *(-1.5 - number for number in range(10))))


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
    yield "benchmark", (DATA / "beir" / "corpus.jsonl").read_bytes().splitlines()[0]
    yield "judgements", (DATA / "beir" / "qrels" / "dev.tsv").read_bytes()


def glob_seeds():
    cases = [("src/a.o", "*.o\n!keep.o\n"), ("a/b/c", "a/**/c"), ("x/y/z", "**/z/\n/x/\n"), ("a1", "[a-c][[:digit:]]"),
             ("a b", "a\\ b  \r\n# comment\n"), ("a" * 40, "*a" * 15 + "b"), ("a/" * 20 + "b", "**/a/" * 8 + "c*"),
             ("b", "\ufeff[!a]"), ("a]", "[]a]]"), ("a1/2/b", "a**/b")]
    for number, (path, lines) in enumerate(cases):
        yield f"case{number}", len(path.encode()).to_bytes(2, "little") + path.encode() + lines.encode()


def filter_seeds():
    meta = {"lang": "en", "tags": ["a", "b"], "author": {"name": "A B"}, "year": "2024", "n": 1.5, "draft": True,
            "none": None, "date": "2026-02-01", "size": 3}
    filters = [
        'path ~ "docs/**" and lang = "en" and mtime > 2026-01-01', "tags in (a, 'b', 3) or not tags exists",
        "author.name != 'A B' AND \"author.name\" = x", "year >= 2024 and n<2 and n >= -1e-3",
        "draft = true or none=null", "date > 2026-01-31T12:00:00.5+01:00 and mtime_ns <= 1",
        "size>10k and meta.size == 3", "name !~ '[!a-c]*.md' and uri not in (a, b)",
        "not (type = text or (sha256 = 00 and not size = 1))", "(" * 9 + "a = 1" + ")" * 9,
        "x = \"\\u00e9\\ud83d\\ude00\\n\" or größe exists", "a.\"b c\".'' != 18446744073709551615"]
    for number, text in enumerate(filters):
        chunk = json.dumps({"page": number, "n": number}).encode() if number % 2 else b""
        known = part(b"/home/docs/a.md") + part(json.dumps(meta).encode()) + part(chunk)
        yield f"filter{number}", known + text.encode()


def splitter_seeds():
    keep = {False: 0, "start": 1, True: 1, "end": 2}
    for number, case in enumerate(read_json("splitters.json")["cases"][::4]):
        recursive = case["splitter"] == "recursive"
        separators = (case["separators"] or ["\n\n", "\n", " ", ""]) if recursive else [case["separator"]]
        bits = case.get("is_separator_regex", False) | (not case["strip_whitespace"]) << 1
        bits |= keep[case["keep_separator"]] << 2 | recursive << 4 | (len(separators) - 1) << 6
        sizes = [min(case["chunk_size"], 255), min(case["chunk_overlap"], 255)]
        parts = b"".join(part(separator.encode()) for separator in separators)
        yield f"case{number}", bytes([bits, *sizes]) + parts + case["text"].encode()[:1500]
    yield "runs", bytes([0, 4, 1]) + part(b"--") + b"a----b-- --c------d e--"
    yield "characters", bytes([2, 3, 1]) + part(b"") + "aé東\n😀b\r\nc".encode()
    yield "sentences", bytes([32, 9, 4]) + part(b"") + "A b. C 3.5 d! 東京。é\nMr. e 👩\u200d👩\u200d👧 fffffffffff".encode()


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


def encoding_seeds():
    names = ["utf-8", "utf-8", "utf-16", "utf-16-le", "utf-32-be", "cp1252", "koi8-u", "gb18030", "shift_jis", "euc_jp",
             "big5hkscs", "cp949", "utf-7", "iso2022_jp", "iso2022_kr", "hz"]
    text = "na\u00efve Stra\u00dfe \u043c\u043e\u0441\u0442 \u6771\u4eac \ud55c\uae00 \U0001f600\r\n"
    for number, name in enumerate(names):
        yield name, bytes([number]) + text.encode(name, "ignore")
        yield f"guess_{name}", b"\0" + text.encode(name, "ignore") * 3


def html_seeds():
    yield "page", (b"<!DOCTYPE html><html lang=en><head><title>a &amp; b</title></head><body><p>x&eacute;&notit;\r\n <b>y</b>"
                   b"<ul><li>1<li>2</ul><pre>\n z</pre><table><tr><td>a<td>b</table><script>1<2</script>&#65;</body>")
    yield "broken", b"<table>x<td>y</p></b><b>z<p></b>w<svg><path/><![CDATA[q]]></svg><frameset><textarea>&amp"
    yield "latin1", b"<meta charset=latin1><p>caf\xe9"


def csv_seeds():
    yield "csv", b"\0id,text\r\n1,\"a \"\"b\"\"\nc\"\n2\n\n3,x\"y\n\"open"
    yield "field", b"\3id,text\n1,one\n2,\"two\"x\n3,three\n"
    yield "tsv", b"\1\xef\xbb\xbfa\tb\n1\t2\r3\t4"
    yield "jsonl", b'\2{"text":"one","row":[1]}\n\n[]\n{"text":1}\r\n{"text":"two"}'


def front_matter_seeds():
    yield "simple", b"---\ntitle: 'a b'\nn: -1.5e3\ntags: [a, \"b\\u00e9\"]\nlist:\n  - x\n  - {k: v}\n---\nText\n"
    yield "refused", b"---\na: &x [1, *x]\n<<: *x\nb: !!str 1\n---\nText"
    yield "block", b"---\r\na: |\r\n  one\r\n  two\r\nb: ~\r\n...\r\nText"


def head_seeds():
    body = b"vecdb store\nformat %d\nstore 0123456789abcdef0123456789abcdef\ngeneration %d\n"
    yield "one", b"\1" + body % (2, 1)
    yield "newer", b"\1" + body % (3, 77)
    yield "large", b"\0" + (body % (2, 5)).ljust(5000)
    yield "whole", b"\0" + body % (2, 5) + b"sha256 " + sha256(body % (2, 5)).hexdigest().encode() + b"\n"


def edit(action, place, value):
    """As test/fuzz/edits.h reads it."""
    return struct.pack("<BHH", action, place, value)


HEADER = 8  # the place lies in the first 256 bytes
INTERESTING = 16


def file_edits():
    yield "none", b""
    yield "bit", edit(7, 900, 3)
    yield "header", edit(0 | HEADER, 5, 200) + edit(1 | HEADER, 8, 41)
    yield "huge", edit(2 | HEADER | INTERESTING, 8, 16) + edit(2 | HEADER | INTERESTING, 110, 15)
    yield "cut", edit(3, 700, 0)
    yield "longer", edit(5, 300, 0x4110)
    yield "moved", edit(6, 500, 80) + edit(4, 1000, 40)


def segment_seeds():
    for options in (0, 1, 3, 5, 7):
        for name, edits in file_edits():
            yield f"{name}{options}", bytes([options]) + edits
    yield "row", bytes([9, 1, 19, 2, 129, 0, 0, 2, 127])


def index_seeds():
    for options in (0, 1, 3, 9, 11, 17, 19):
        for name, edits in file_edits():
            yield f"{name}{options}", bytes([options]) + edits
    yield "lists", bytes([5, 11])


def index_row_seeds():
    sha256 = "0123456789abcdef" * 4
    row = {"kind": "ivf", "name": "000012-01234567.ivf", "bytes": 5000, "sha256": sha256, "lists": 63,
           "codes": "sq8", "recall": [[1, 0.25], [2, 0.5], [63, 1]]}
    for number, changes in enumerate([{}, {"codes": "f32", "recall": []}, {"lists": -1}, {"bytes": 1e300},
                                      {"name": "../../etc/passwd"}, {"recall": [[-1, 2]]}]):
        yield f"row{number}", json.dumps(row | changes).encode()


def catalogue_seeds():
    for name, edits in file_edits():
        yield name, b"\0" + edits
        yield f"verified_{name}", b"\2" + edits
        yield f"salvaged_{name}", b"\4" + edits
    for page in range(12):
        yield f"salvaged_page{page}", b"\4" + edit(0, page * 4096, 5) + edit(1, page * 4096 + 3, 77)
        yield f"page{page}", b"\0" + edit(0, page * 4096, 5) + edit(1, page * 4096 + 3, 77)
    for change in range(41):
        yield f"row{change}", b"\3" + struct.pack("<BBH", change, 1, 19) + struct.pack("<BBH", change, 2, change)


def array(version, text, data=b"", more=b""):
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return bytes([len(more)]) + more + b"\x93NUMPY" + bytes([version, 0]) + size + text + data


def array_text(descr="<f4", order="False", shape="(2, 3)"):
    text = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}"
    return text.ljust(117).encode() + b"\n"


def npy_seeds():
    floats = struct.pack("<6f", *range(6))
    for version in (1, 2, 3, 4):
        yield f"version{version}", array(version, array_text(), floats)
    yield "none", array(1, array_text(shape="(0, 3)"))
    yield "big_endian", array(1, array_text(">f4"), floats)
    yield "fortran", array(1, array_text(order="True"), floats)
    for number, shape in enumerate(["(6,)", "()", "(2, 3, 1)", "(2, -3)", "(4611686018427387905, 1)", "(2,3,)"]):
        yield f"shape{number}", array(1, array_text(shape=shape), floats)
    yield "large", array(1, array_text(shape="(1099511627776, 384)"), b"", struct.pack("<Q", 1536 << 40))
    yield "another_order", array(1, b'{"shape":(2,3),"descr":"<f4","fortran_order":False}', floats)
    yield "long", array(2, array_text().ljust(70000), floats)


def tar_member(name, content=b"", kind=b"0", prefix=b"", size=None, magic=b"ustar\x0000"):
    size = b"%011o\0" % len(content) if size is None else size
    header = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size + b"00000000000\0" + b" " * 8
    header += kind + bytes(100) + magic + bytes(80) + prefix
    header = header.ljust(512, b"\0")
    checksum = b"%06o\0 " % sum(header)
    return header[:148] + checksum + header[156:] + content + bytes(-len(content) % 512)


def tar_seeds():
    end = bytes(1024)
    two = tar_member(b"HEAD", b"vecdb store\n") + tar_member(b"segments/000001-01234567.faiss", bytes(700)) + end
    for options in range(4):
        yield f"two{options}", bytes([options, 40]) + two
    signed = bytes([1, 1])
    yield "none", signed + end
    yield "padded", signed + two + bytes(9000)
    yield "old_gnu", signed + tar_member(b"a", b"b", magic=b"ustar  \0") + end
    yield "prefix", signed + tar_member(b"a", b"b", prefix=b"folder") + end
    for kind in b"\x001235gLxVS":
        yield f"kind{kind}", signed + tar_member(b"../a", kind=bytes([kind])) + end
    sizes = [b"\x80" + bytes(10) + b"\5", b"\xff" * 12, b"\x80" + b"\xff" * 11, b"7" * 12, b"\0" * 12, b"-0000000001\0"]
    for number, size in enumerate(sizes):
        yield f"size{number}", signed + tar_member(b"a", b"12345", size=size) + end
    yield "cut", signed + two[:1400]
    yield "behind", signed + two + b"x"


def flat_index(kind, dimension, count, metric=0):
    return kind + struct.pack("<iqqqbi", dimension, count, 1 << 20, 1 << 20, 1, metric)


def flat_file(kind, count, dimension, more=b"", ids=None):
    """An index of `count` rows; with ids in a map."""
    floats = struct.pack("<Q", count * dimension) + bytes(4 * count * dimension if not more else 0)
    index = flat_index(kind, dimension, count, int(kind == b"IxF2")) + floats
    if ids is not None:
        index = flat_index(ids, dimension, count) + index + struct.pack("<Q", count) + bytes(8 * count)
    return bytes([len(more)]) + more + index


def flat_file_seeds():
    for kind in (b"IxFI", b"IxF2", b"IxFl", b"IwFl", b"IxHs"):
        yield kind.decode(), flat_file(kind, 3, 2)
        for ids in (b"IxMp", b"IxM2"):
            yield (kind + ids).decode(), flat_file(kind, 3, 2, ids=ids)
    yield "none", flat_file(b"IxFI", 0, 2, ids=b"IxMp")
    yield "large", flat_file(b"IxFI", 1 << 40, 384, more=struct.pack("<Q", 1536 << 40))
    yield "huge", flat_file(b"IxFI", 1 << 50, 1 << 11, more=struct.pack("<Q", 1 << 63))


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
