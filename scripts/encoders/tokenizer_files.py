"""The tokenizer of a checkout: checked to be one that vecdb has, and copied as vecdb reads it."""

import shutil
from base64 import b64decode
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from . import sentencepiece_file
from .checkpoint import Refused, expect, read_json, require

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
VOCABULARY = "vocab.txt"
SENTENCEPIECE = "sentencepiece.bpe.model"


def expect_wrapping(tokenizer: Tokenizer, first: str, last: str, path: Path) -> None:
    wanted = [tokenizer.token_to_id(first), tokenizer.token_to_id(last)]
    if None in wanted or tokenizer.encode("").ids != wanted:
        raise Refused(f"{path}: does not put a text between {first} and {last}")


def read_vocabulary(path: Path) -> list[str]:
    try:
        lines = path.read_bytes().decode("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path}: cannot be read: {error}") from error
    return lines[:-1] if lines[-1] == "" else lines


def wordpiece(lower: bool, strip: bool | None, chinese: bool, path: Path) -> dict:
    if not isinstance(lower, bool) or not isinstance(chinese, bool) or strip not in (None, True, False):
        raise Refused(f"{path}: a setting of the tokenizer is not true or false")
    return {"kind": "wordpiece", "file": VOCABULARY, "lower_case": lower,
            "strip_accents": lower if strip is None else strip, "split_chinese": chinese}


def wordpiece_of_json(spec: dict, path: Path, out: Path) -> dict:
    """A WordPiece tokenizer.json; vocab.txt is written from it, or must agree with it."""
    normalizer, model = spec.get("normalizer") or {}, spec["model"]
    if normalizer.get("type") != "BertNormalizer":
        raise Refused(f"{path}: WordPiece with {normalizer.get('type')} is not known here")
    if (spec.get("pre_tokenizer") or {}).get("type") != "BertPreTokenizer":
        raise Refused(f"{path}: its pre_tokenizer is not BertPreTokenizer")
    expect(model, path, unk_token="[UNK]", continuing_subword_prefix="##", max_input_chars_per_word=100)
    expect(normalizer, path, clean_text=True)
    for token in spec.get("added_tokens", []):
        if token["content"] not in SPECIAL or token["lstrip"] or token["rstrip"] or token["single_word"]:
            raise Refused(f"{path}: the added token {token['content']!r} is not known here")
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    if [model["vocab"][token] for token in tokens] != list(range(len(tokens))):
        raise Refused(f"{path}: its vocabulary has gaps")
    if any("\n" in token for token in tokens):
        raise Refused(f"{path}: a token holds a line break, which vocab.txt cannot hold")
    listed = path.with_name(VOCABULARY)
    if listed.exists() and read_vocabulary(listed) != tokens:
        raise Refused(f"{listed}: is not the vocabulary of tokenizer.json")
    if listed.exists():
        shutil.copyfile(listed, out / VOCABULARY)
    else:
        (out / VOCABULARY).write_bytes("".join(token + "\n" for token in tokens).encode("utf-8"))
    return wordpiece(require(normalizer, "lowercase", path), normalizer.get("strip_accents"),
                     require(normalizer, "handle_chinese_chars", path), path)


def wordpiece_of_vocabulary(source: Path, out: Path) -> tuple[dict, Tokenizer]:
    """vocab.txt and tokenizer_config.json, where there is no tokenizer.json."""
    path = source / "tokenizer_config.json"
    config = read_json(path)
    name = require(config, "tokenizer_class", path)
    if name not in ("BertTokenizer", "BertTokenizerFast"):
        raise Refused(f"{path}: tokenizer_class {name!r} without tokenizer.json is not known here")
    if config.get("do_basic_tokenize", True) is not True or config.get("never_split"):
        raise Refused(f"{path}: do_basic_tokenize or never_split is not as known here")
    settings = wordpiece(*(require(config, key, path) for key in
                           ("do_lower_case", "strip_accents", "tokenize_chinese_chars")), path)
    tokens = read_vocabulary(source / VOCABULARY)
    ids = {token: i for i, token in enumerate(tokens)}
    absent = [token for token in SPECIAL if token not in ids]
    if absent or len(ids) != len(tokens):
        raise Refused(f"{source / VOCABULARY}: lacks {absent} or names a token twice")
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=settings["split_chinese"],
        strip_accents=settings["strip_accents"], lowercase=settings["lower_case"])
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = processors.BertProcessing(
        ("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    shutil.copyfile(source / VOCABULARY, out / VOCABULARY)
    return settings, tokenizer


def charsmaps(node) -> list[bytes]:
    """The normalisation tables anywhere in a tokenizer.json's normalizer."""
    if isinstance(node, list):
        return [table for each in node for table in charsmaps(each)]
    if not isinstance(node, dict):
        return []
    if node.get("type") == "Precompiled":
        return [b64decode(node["precompiled_charsmap"])]
    return charsmaps(list(node.values()))


def sentencepiece_of_json(spec: dict, path: Path, out: Path) -> dict:
    """XLM-R's tokenizer: <s> <pad> </s> <unk>, then SentencePiece's pieces from the third on."""
    file = path.with_name(SENTENCEPIECE)
    pieces, table = sentencepiece_file.read(file)
    if [piece for piece, _ in pieces[:3]] != ["<unk>", "<s>", "</s>"]:
        raise Refused(f"{file}: does not begin with <unk>, <s> and </s>")
    wanted = ["<s>", "<pad>", "</s>", "<unk>", *(piece for piece, _ in pieces[3:])]
    tokens = [token for token, _ in spec["model"]["vocab"]]
    if tokens not in (wanted, [*wanted, "<mask>"]) or spec["model"].get("unk_id") != 3:
        raise Refused(f"{path}: is not the tokenizer of {SENTENCEPIECE} in XLM-R's order")
    scores = [score for _, score in spec["model"]["vocab"]][4:len(wanted)]
    if any(abs(a - b) > 1e-5 * max(1, abs(b)) for a, (_, b) in zip(scores, pieces[3:], strict=True)):
        raise Refused(f"{path}: its scores are not those of {SENTENCEPIECE}")
    if charsmaps(spec.get("normalizer")) != ([table] if table else []):
        raise Refused(f"{path}: its normaliser is not that of {SENTENCEPIECE}")
    shutil.copyfile(file, out / SENTENCEPIECE)
    return {"kind": "sentencepiece", "file": SENTENCEPIECE}


def expect_no_other_lowering(source: Path, settings: dict) -> None:
    path = source / "sentence_bert_config.json"
    if path.exists() and read_json(path).get("do_lower_case") and not settings.get("lower_case"):
        raise Refused(f"{path}: do_lower_case is true, but the tokenizer keeps case")


def read_tokenizer(source: Path, out: Path) -> tuple[dict, Tokenizer]:
    """What model.json says of the tokenizer, and the tokenizer. Writes its file into `out`."""
    path = source / "tokenizer.json"
    if not path.exists():
        settings, tokenizer = wordpiece_of_vocabulary(source, out)
    else:
        spec = read_json(path)
        kind = require(require(spec, "model", path), "type", path)
        readers = {"WordPiece": wordpiece_of_json, "Unigram": sentencepiece_of_json}
        if kind not in readers:
            raise Refused(f"{path}: the tokenizer {kind} is not known to vecdb; WordPiece and "
                          "SentencePiece's Unigram are")
        settings, tokenizer = readers[kind](spec, path, out), Tokenizer.from_file(str(path))
    first, last = ("[CLS]", "[SEP]") if settings["kind"] == "wordpiece" else ("<s>", "</s>")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    expect_wrapping(tokenizer, first, last, path)
    expect_no_other_lowering(source, settings)
    return settings, tokenizer
