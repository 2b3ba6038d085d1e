#!/usr/bin/env python3
"""Turns a Hugging Face checkout on disk into a model folder that vecdb opens.

    trace_encoder.py HF_DIR --out DIR [--name NAME]

DIR gets model.json, encoder.pt (the traced graph, without weights), model.safetensors and the
tokenizer's files. Nothing is downloaded and no code of the checkout is run. What the checkout does
not say, or says in a way that is not known here, is refused: nothing is defaulted.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import warnings
from pathlib import Path

import torch
from safetensors import safe_open
from tokenizers import Tokenizer

from encoders import bert

FORMAT = 1
SELF_TEST_TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "Naïve café owners paid 1,234.50 € — «twice»! 東京 Привет 👍",
    "A vector store keeps the passages of many documents, so that a question finds the few that "
    "answer it. " * 12,
)


class Refused(Exception):
    pass


def read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(f"{path}: cannot be read: {error}") from error


def require(config: dict, key: str, path: Path):
    if key not in config:
        raise Refused(f"{path}: has no {key!r}; the checkout must say it")
    return config[key]


def expect(config: dict, path: Path, **wanted) -> None:
    for key, value in wanted.items():
        found = require(config, key, path)
        if found != value:
            raise Refused(f"{path}: {key} is {found!r}; only {value!r} is known here")


def read_architecture(source: Path) -> dict:
    """config.json, checked to be an architecture that encoders/ computes."""
    path = source / "config.json"
    config = read_json(path)
    expect(config, path, model_type="bert", position_embedding_type="absolute", hidden_act="gelu")
    if config.get("feed_forward_type", "original") != "original":
        raise Refused(f"{path}: feed_forward_type is {config['feed_forward_type']!r}: not plain BERT")
    for key in ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
                "vocab_size", "type_vocab_size", "max_position_embeddings", "layer_norm_eps"):
        require(config, key, path)
    if config["hidden_size"] % config["num_attention_heads"]:
        raise Refused(f"{path}: num_attention_heads does not divide hidden_size")
    return config


def read_pipeline(source: Path, hidden: int) -> tuple[str, bool]:
    """Pooling and normalisation, as modules.json and 1_Pooling say."""
    path = source / "modules.json"
    kinds = [module["type"].rsplit(".", 1)[-1] for module in read_json(path)]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise Refused(f"{path}: the pipeline {kinds} is not known here")
    path = source / "1_Pooling" / "config.json"
    config = read_json(path)
    expect(config, path, word_embedding_dimension=hidden)
    modes = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
    known = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
    if len(modes) != 1 or modes[0] not in known:
        raise Refused(f"{path}: the pooling {modes} is not known here")
    return known[modes[0]], kinds[-1] == "Normalize"


def read_window(source: Path, positions: int) -> int:
    path = source / "sentence_bert_config.json"
    window = require(read_json(path), "max_seq_length", path)
    if not isinstance(window, int) or not 3 <= window <= positions:
        raise Refused(f"{path}: max_seq_length {window!r} is not in 3 … {positions}")
    return window


def read_tokenizer(source: Path, out: Path) -> dict:
    """What vecdb must know of the tokenizer; copies its file."""
    path = source / "tokenizer.json"
    spec = read_json(path)
    normalizer, model = spec.get("normalizer") or {}, spec.get("model") or {}
    if normalizer.get("type") != "BertNormalizer" or model.get("type", "WordPiece") != "WordPiece":
        raise Refused(f"{path}: {model.get('type')} with {normalizer.get('type')} is not known here")
    if (spec.get("pre_tokenizer") or {}).get("type") != "BertPreTokenizer":
        raise Refused(f"{path}: its pre_tokenizer is not BertPreTokenizer")
    expect(model, path, unk_token="[UNK]", continuing_subword_prefix="##", max_input_chars_per_word=100)
    expect(normalizer, path, clean_text=True)
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    lines = (source / "vocab.txt").read_text(encoding="utf-8").split("\n")
    if lines[: len(tokens)] != tokens or any(lines[len(tokens):]):
        raise Refused(f"{source / 'vocab.txt'}: is not the vocabulary of tokenizer.json")
    shutil.copyfile(source / "vocab.txt", out / "vocab.txt")
    lower = require(normalizer, "lowercase", path)
    strip = normalizer.get("strip_accents")
    return {
        "kind": "wordpiece",
        "file": "vocab.txt",
        "lower_case": lower,
        "strip_accents": lower if strip is None else strip,
        "split_chinese": require(normalizer, "handle_chinese_chars", path),
    }


def load_weights(module: torch.nn.Module, source: Path) -> dict:
    """The checkpoint's tensors into the module: exactly its parameters, by name and shape.

    Returns dtype and shape of each, as the file has them.
    """
    path = source / "model.safetensors"
    parameters = dict(module.named_parameters())
    tensors = {}
    with safe_open(path, framework="pt") as weights:
        found = set(weights.keys()) - set(bert.IGNORED_TENSORS)
        missing, extra = sorted(parameters.keys() - found), sorted(found - parameters.keys())
        if missing or extra:
            raise Refused(f"{path}: {len(missing)} tensors missing {missing[:3]}, "
                          f"{len(extra)} that the architecture does not have {extra[:3]}")
        for name, parameter in parameters.items():
            tensor = weights.get_tensor(name)
            if tensor.shape != parameter.shape:
                raise Refused(f"{path}: {name}: shape {list(tensor.shape)}, not {list(parameter.shape)}")
            if not torch.isfinite(tensor).all():
                raise Refused(f"{path}: {name}: holds a value that is not finite")
            dtype = weights.get_slice(name).get_dtype()
            if dtype not in ("F32", "F16", "BF16"):
                raise Refused(f"{path}: {name}: dtype {dtype} is not known here")
            tensors[name] = {"dtype": dtype, "shape": list(tensor.shape)}
            parameter.data = tensor.to(torch.float32)
    return tensors


def trace(module: torch.nn.Module) -> torch.jit.ScriptModule:
    ids = torch.tensor([101, 7592, 102, 101, 2088, 1012, 102, 0])
    starts = torch.tensor([0, 3, 7])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing is announced as deprecated; it still works
        return torch.jit.trace(module, (ids, starts), check_trace=False)


def self_test(module: torch.nn.Module, source: Path, window: int) -> list[dict]:
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(window)
    tests = []
    for text in SELF_TEST_TEXTS:
        ids = torch.tensor(tokenizer.encode(text).ids)
        with torch.no_grad():
            vector = module(ids, torch.tensor([0, len(ids)]))[0]
        tests.append({"text": text, "vector": [round(x, 7) for x in vector.tolist()]})
    return tests


def save_graph(traced: torch.jit.ScriptModule, path: Path) -> None:
    for parameter in traced.parameters():
        parameter.requires_grad_(False)
        parameter.data = torch.empty(0)
    torch.jit.save(traced, str(path))


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_licence(source: Path) -> str:
    """The licence that the model card's front matter names; for people, checked by nothing."""
    readme = source / "README.md"
    lines = readme.read_text(encoding="utf-8").splitlines() if readme.exists() else []
    for line in lines[1:] if lines[:1] == ["---"] else []:
        if line == "---":
            break
        if line.startswith("license:"):
            return line.partition(":")[2].strip()
    return "not stated"


def export(source: Path, out: Path, name: str) -> None:
    config = read_architecture(source)
    pooling, normalize = read_pipeline(source, config["hidden_size"])
    window = read_window(source, config["max_position_embeddings"])
    module = bert.Bert(config, pooling, normalize).eval()
    tensors = load_weights(module, source)
    out.mkdir(parents=True)
    tokenizer = read_tokenizer(source, out)
    tests = self_test(module, source, window)
    shutil.copyfile(source / "model.safetensors", out / "model.safetensors")
    save_graph(trace(module), out / "encoder.pt")
    files = ("encoder.pt", "model.safetensors", tokenizer["file"])
    manifest = {
        "format": FORMAT,
        "name": name,
        "architecture": "bert",
        "dimension": config["hidden_size"],
        "window": window,
        "vocabulary_size": config["vocab_size"],
        "pooling": pooling,
        "normalize": normalize,
        "query_prefix": "",
        "passage_prefix": "",
        "tokenizer": tokenizer,
        "licence": read_licence(source),
        "files": {file: sha256_of(out / file) for file in files},
        "ignored_tensors": list(bert.IGNORED_TENSORS),
        "tensors": tensors,
        "self_test": tests,
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1)
    (out / "model.json").write_text(text + "\n", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, metavar="HF_DIR", help="a Hugging Face checkout")
    parser.add_argument("--out", type=Path, required=True, help="the model folder to make")
    parser.add_argument("--name", help="the model's name; default: the base name of --out")
    args = parser.parse_args()
    out = args.out.absolute()
    partial = out.with_name(out.name + ".partial")
    if out.exists():
        print(f"trace_encoder: {out}: exists already; remove it first", file=sys.stderr)
        return 1
    shutil.rmtree(partial, ignore_errors=True)
    try:
        export(args.source, partial, args.name or out.name)
    except Refused as error:
        shutil.rmtree(partial, ignore_errors=True)
        print(f"trace_encoder: {error}", file=sys.stderr)
        return 1
    os.rename(partial, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
