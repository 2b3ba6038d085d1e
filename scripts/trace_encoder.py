#!/usr/bin/env python3
"""Turns a Hugging Face checkout on disk into a model folder with a self-test made by PyTorch.

    trace_encoder.py HF_DIR --out DIR [--name NAME] [--query-prefix TEXT] [--passage-prefix TEXT]

`vecdb model make` writes the folder: it reads the checkout, refuses what it does not know, and adds
the graph of the encoder. This script then encodes a few texts without vecdb, with the published
tokenizer by `tokenizers` and with the graph and weights by PyTorch, and records the vectors in
model.json: `vecdb model add` and `vecdb model verify` compare their own with them. Nothing is
downloaded and no code of the checkout is run. VECDB_PROGRAM names another vecdb than
build/release/vecdb.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

PROJECT = Path(__file__).resolve().parents[1]
PROGRAM = Path(os.environ.get("VECDB_PROGRAM", PROJECT / "build" / "release" / "vecdb"))
SENTENCE = ("A vector store keeps the passages of many documents, so that a question finds the few that "
            "answer it. ")
SELF_TEST_TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "Naïve café owners paid 1,234.50 € — «twice»! 東京 Привет 👍",
    SENTENCE * 12,
)
LONG_WINDOW = 512  # past it there is a fourth text, of some 600 tokens
LONG_TEXT = SENTENCE * 32


class Refused(Exception):
    """vecdb refuses the checkout; the message is its own."""


def make_folder(args: argparse.Namespace, out: Path) -> dict:
    """Lets vecdb make the model folder, and returns its model.json."""
    command = [PROGRAM, "model", "make", args.source, "--out", out, "--name", args.name or args.out.name]
    for flag, value in (("--query-prefix", args.query_prefix), ("--passage-prefix", args.passage_prefix)):
        if value is not None:
            command += [flag, value]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused(done.stderr.strip().removeprefix("vecdb: "))
    return json.loads((out / "model.json").read_text(encoding="utf-8"))


def read_tokenizer(source: Path, manifest: dict) -> Tokenizer:
    """The checkout's own tokenizer.json; a BERT tokenizer over vocab.txt where there is none."""
    path = source / "tokenizer.json"
    if path.exists():
        tokenizer = Tokenizer.from_file(str(path))
    elif manifest["tokenizer"]["kind"] != "wordpiece":
        raise Refused(f"{path}: is not there, and a self-test needs it; `vecdb model make` does not")
    else:
        settings = manifest["tokenizer"]
        tokens = (source / "vocab.txt").read_bytes().decode("utf-8").removesuffix("\n").split("\n")
        ids = {token.removesuffix("\r"): i for i, token in enumerate(tokens)}
        tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
        tokenizer.normalizer = normalizers.BertNormalizer(
            clean_text=True, handle_chinese_chars=settings["split_chinese"],
            strip_accents=settings["strip_accents"], lowercase=settings["lower_case"])
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
        tokenizer.post_processor = processors.BertProcessing(
            ("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    tokenizer.no_padding()
    tokenizer.enable_truncation(manifest["window"])
    return tokenizer


def graph_options(manifest: dict, task: int = -1) -> dict[str, float]:
    """What the graph wants to know beside tokens and weights (core/model/encoder/architecture.cpp)."""
    encoder = manifest["encoder"]
    scale = encoder["lora_alpha"] / encoder["lora_rank"] if encoder["lora_rank"] else 0
    return {name: float(value) for name, value in {
        "layers": encoder["num_hidden_layers"], "heads": encoder["num_attention_heads"],
        "epsilon": encoder["layer_norm_eps"], "first_position": encoder["first_position"],
        "rope_base": encoder["rope_base"], "lora_scale": scale, "task": task,
        "pool_first": manifest["pooling"] == "cls", "normalize": manifest["normalize"]}.items()}


def read_weights(folder: Path, manifest: dict) -> dict[str, torch.Tensor]:
    """The encoder's tensors in f32, by the names that the graph uses."""
    prefix, tensors = manifest["tensor_prefix"], load_file(folder / "model.safetensors")
    return {name.removeprefix(prefix): tensors[name].to(torch.float32) for name in manifest["tensors"]}


@torch.no_grad()
def record_self_test(folder: Path, manifest: dict, source: Path) -> None:
    tokenizer = read_tokenizer(source, manifest)
    texts = SELF_TEST_TEXTS + ((LONG_TEXT,) if manifest["window"] > LONG_WINDOW else ())
    # sentence-transformers lower-cases a text itself where its own settings say so.
    path = source / "sentence_bert_config.json"
    settings = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    as_read = str.lower if settings.get("do_lower_case") else str
    tasks = [-1] * len(texts)
    for task in range(len(manifest["encoder"]["adapters"])):
        texts, tasks = [*texts, SELF_TEST_TEXTS[0]], [*tasks, task]
    names = [*manifest["encoder"]["adapters"], ""]  # the last one is that of -1: none
    graph, weights = torch.jit.load(str(folder / "encoder.pt")), read_weights(folder, manifest)
    manifest["self_test"] = []
    for text, task in zip(texts, tasks, strict=True):
        ids = tokenizer.encode(as_read(text)).ids
        row = torch.tensor(ids + [0] * (-len(ids) % 16))  # filled to a multiple of 16 as vecdb does
        (vector,) = graph(row, torch.tensor([0, len(ids)]), weights, graph_options(manifest, task))
        manifest["self_test"].append(
            {"text": text, "task": names[task], "vector": [round(x, 7) for x in vector.tolist()]})
    content = json.dumps(manifest, ensure_ascii=False, indent=1)
    (folder / "model.json").write_text(content + "\n", encoding="utf-8")


def read_arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, metavar="HF_DIR", help="a Hugging Face checkout")
    parser.add_argument("--out", type=Path, required=True, help="the model folder to make")
    parser.add_argument("--name", help="the model's name; default: the base name of --out")
    parser.add_argument("--query-prefix", metavar="TEXT",
                        help="put before a question, where the checkout names no prompts")
    parser.add_argument("--passage-prefix", metavar="TEXT",
                        help="put before a stored passage, where the checkout names no prompts")
    args = parser.parse_args(argv)
    args.out = args.out.absolute()
    return args


def main(argv: list[str] | None = None) -> int:
    args = read_arguments(argv)
    partial = args.out.with_name(args.out.name + ".untested")
    if args.out.exists():
        print(f"trace_encoder: {args.out}: exists already; remove it first", file=sys.stderr)
        return 1
    shutil.rmtree(partial, ignore_errors=True)
    try:
        record_self_test(partial, make_folder(args, partial), args.source)
        os.rename(partial, args.out)
    except Refused as error:
        print(f"trace_encoder: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
