#!/usr/bin/env python3
"""Turns a Hugging Face checkout on disk into a model folder that vecdb opens.

    trace_encoder.py HF_DIR --out DIR [--name NAME] [--query-prefix TEXT] [--passage-prefix TEXT]

DIR gets model.json, encoder.pt (the traced graph, without weights), model.safetensors and the
tokenizer's file. Known are BERT, JinaBERT and XLM-RoBERTa (encoders/architectures.py). Nothing is
downloaded and no code of the checkout is run. What the checkout does not say, or says in a way that
is not known here, is refused: nothing is defaulted.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import torch

from encoders import architectures, checkpoint, graph
from encoders.checkpoint import Refused
from encoders.prompts import read_prefixes
from encoders.tokenizer_files import read_tokenizer

FORMAT = 1
SENTENCE = ("A vector store keeps the passages of many documents, so that a question finds the few that "
            "answer it. ")
SELF_TEST_TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "Naïve café owners paid 1,234.50 € — «twice»! 東京 Привет 👍",
    SENTENCE * 12,
)
LONG_WINDOW = 512  # past it there is a fourth text, of some 600 tokens
LONG_TEXT = SENTENCE * 32


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_model(source: Path, architecture: architectures.Architecture, config: dict, name: str,
               flags: argparse.Namespace) -> tuple[dict, torch.nn.Module]:
    """The manifest as far as the checkout tells it, and the encoder with its weights."""
    pooling, normalize = checkpoint.read_pipeline(source, config["hidden_size"])
    encoder, ignored = architectures.make_encoder(
        architecture, config, pooling, normalize, checkpoint.tensor_names(source))
    tensors = checkpoint.load_weights(encoder, source, ignored, architecture.name)
    longest = architectures.longest_text(architecture, config)
    window = checkpoint.read_window(source, longest, architecture.name)
    query, passage = read_prefixes(source, config, name, flags.query_prefix, flags.passage_prefix)
    manifest = {
        "format": FORMAT,
        "name": name,
        "architecture": architecture.name,
        "dimension": config["hidden_size"],
        "window": window,
        "vocabulary_size": config["vocab_size"],
        "pooling": pooling,
        "normalize": normalize,
        "query_prefix": query,
        "passage_prefix": passage,
        "licence": checkpoint.read_licence(source),
        "ignored_tensors": sorted(ignored),
        "tensors": tensors,
    }
    return manifest, encoder


def export(source: Path, out: Path, name: str, flags: argparse.Namespace) -> None:
    architecture, config = architectures.read_architecture(source)
    if architecture is architectures.JINA_BERT_QK_NORM:
        raise Refused(f"{source}: is a {architecture.name} (jina-embeddings-v2-base-code), whose "
                      "tokenizer is byte-level BPE; vecdb has none")
    out.mkdir(parents=True)
    settings, tokenizer = read_tokenizer(source, out)
    manifest, encoder = read_model(source, architecture, config, name, flags)
    vocabulary, window = manifest["vocabulary_size"], manifest["window"]
    if tokenizer.get_vocab_size() > vocabulary:
        raise Refused(f"{source}: the tokenizer has {tokenizer.get_vocab_size()} tokens, the encoder "
                      f"only {vocabulary}")
    tokenizer.enable_truncation(window)
    texts = SELF_TEST_TEXTS + ((LONG_TEXT,) if window > LONG_WINDOW else ())
    traced = graph.trace(encoder)
    vectors = graph.encode_checked(
        encoder, traced, [tokenizer.encode(text).ids for text in texts], vocabulary)
    shutil.copyfile(source / checkpoint.WEIGHTS, out / checkpoint.WEIGHTS)
    graph.save_graph(traced, out / "encoder.pt")
    files = ("encoder.pt", checkpoint.WEIGHTS, settings["file"])
    manifest["tokenizer"] = settings
    manifest["files"] = {file: sha256_of(out / file) for file in files}
    manifest["self_test"] = [
        {"text": text, "vector": [round(x, 7) for x in vector.tolist()]}
        for text, vector in zip(texts, vectors, strict=True)]
    text = json.dumps(manifest, ensure_ascii=False, indent=1)
    (out / "model.json").write_text(text + "\n", encoding="utf-8")


def read_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, metavar="HF_DIR", help="a Hugging Face checkout")
    parser.add_argument("--out", type=Path, required=True, help="the model folder to make")
    parser.add_argument("--name", help="the model's name; default: the base name of --out")
    parser.add_argument("--query-prefix", metavar="TEXT",
                        help="put before a question, where the checkout names no prompts")
    parser.add_argument("--passage-prefix", metavar="TEXT",
                        help="put before a stored passage, where the checkout names no prompts")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = read_arguments(argv)
    out = args.out.absolute()
    partial = out.with_name(out.name + ".partial")
    if out.exists():
        print(f"trace_encoder: {out}: exists already; remove it first", file=sys.stderr)
        return 1
    shutil.rmtree(partial, ignore_errors=True)
    try:
        export(args.source, partial, args.name or out.name, args)
    except Refused as error:
        shutil.rmtree(partial, ignore_errors=True)
        print(f"trace_encoder: {error}", file=sys.stderr)
        return 1
    os.rename(partial, out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
