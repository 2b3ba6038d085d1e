#!/usr/bin/env python3
"""Writes a checkout of random weights in a published layout, for vecdb to make a model from.

    make_checkpoint.py ARCH OUT [--seed S] [--layers N] [--heads N] [--hidden N] …

ARCH is bert, jina-bert, jina-bert-qk-norm, xlm-roberta, jina-v3 (in its authors' layout, with adapters)
or jina-v3-plain (in that of transformers, without). The weights are scaled so that what an
implementation gets wrong shows in its vectors: embeddings so small that the epsilon of the first
layer norm counts, queries and keys so large that attention is far from even, gates that reach into
the bend of GELU, layer norms that are no identity.
"""

import argparse
import collections
import json
import math
import re
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

DATA = Path(__file__).resolve().parents[1] / "data"
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
TASKS = ("retrieval.query", "retrieval.passage", "separation", "classification", "text-matching")
INSTRUCTIONS = {task: "" for task in TASKS} | {
    "retrieval.query": "Represent the query for retrieving evidence documents: ",
    "retrieval.passage": "Represent the document for retrieval: "}
RANK = 4
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


@dataclass(frozen=True)
class Shape:
    """What a checkout is made of. `tokenizer`: json+vocab, json, vocab, sentencepiece or bpe."""

    architecture: str
    seed: int = 1
    layers: int = 3
    heads: int = 12
    hidden: int = 48
    intermediate: int = 96
    positions: int = 8192
    vocabulary: int = 0  # rows of the word embeddings; 0: as the tokenizer has
    epsilon: float = 1e-12
    dtype: str = "F32"
    prefix: str = ""
    pooling: str = "mean"
    normalize: bool = False
    tokenizer: str = "json+vocab"
    unused: bool = False  # also tensors that sentence encoders do not use

    @property
    def jina_bert(self) -> bool:
        return self.architecture.startswith("jina-bert")

    @property
    def jina_v3(self) -> bool:
        return self.architecture.startswith("jina-v3")

    @property
    def roberta(self) -> bool:
        return self.architecture == "xlm-roberta" or self.jina_v3


# ---- tensors ----

def layer_shapes(shape: Shape) -> dict[str, list[int]]:
    """The tensors of one layer; what ends in norm.weight or norm.bias is a layer norm's."""
    wide, inner = shape.hidden, shape.intermediate
    tensors = {}

    def linear(name, outputs, inputs, bias=True):
        tensors[f"{name}.weight"] = [outputs, inputs]
        if bias:
            tensors[f"{name}.bias"] = [outputs]

    def norm(name):
        tensors[f"{name}.weight"] = tensors[f"{name}.bias"] = [wide]

    if shape.architecture == "jina-v3":
        for name, outputs, inputs in (("mixer.Wqkv", 3 * wide, wide), ("mixer.out_proj", wide, wide),
                                      ("mlp.fc1", inner, wide), ("mlp.fc2", wide, inner)):
            tensors |= adapted(name, [outputs, inputs], [RANK, inputs], [outputs, RANK])
            tensors[f"{name}.bias"] = [outputs]
        norm("norm1")
        norm("norm2")
        return tensors
    if shape.architecture == "jina-v3-plain":
        for part in ("q_proj", "k_proj", "v_proj", "o_proj"):
            linear(f"self_attn.{part}", wide, wide)
        linear("mlp.fc1", inner, wide)
        linear("mlp.fc2", wide, inner)
        norm("post_attention_layernorm")
        norm("post_mlp_layernorm")
        return tensors
    for part in ("query", "key", "value"):
        linear(f"attention.self.{part}", wide, wide)
    linear("attention.output.dense", wide, wide)
    norm("attention.output.LayerNorm")
    if shape.architecture == "jina-bert":
        linear("mlp.gated_layers", 2 * inner, wide, bias=False)
        linear("mlp.wo", wide, inner)
        norm("mlp.layernorm")
    elif shape.architecture == "jina-bert-qk-norm":
        for name in ("attention.self.layer_norm_q", "attention.self.layer_norm_k", "layer_norm_1",
                     "layer_norm_2"):
            norm(name)
        linear("mlp.up_gated_layer", 2 * inner, wide, bias=False)
        linear("mlp.down_layer", wide, inner)
    else:
        linear("intermediate.dense", inner, wide)
        linear("output.dense", wide, inner)
        norm("output.LayerNorm")
    return tensors


def adapted(name: str, weight: list[int], a: list[int], b: list[int]) -> dict[str, list[int]]:
    """A weight with the adapters of all tasks beside it, as torch.nn.utils.parametrize names them."""
    own = f"{name}.parametrizations.weight."
    return {own + "original": weight, own + "0.lora_A": [len(TASKS), *a],
            own + "0.lora_B": [len(TASKS), *b]}


LAYERS = {"jina-v3": "encoder.layers", "jina-v3-plain": "layers"}


def all_shapes(shape: Shape, vocabulary: int) -> dict[str, list[int]]:
    wide = shape.hidden
    tables = {"embeddings.word_embeddings": vocabulary, "embeddings.token_type_embeddings": type_rows(shape)}
    if not shape.jina_bert and not shape.jina_v3:
        tables["embeddings.position_embeddings"] = shape.positions
    tensors = {}
    for name, rows in tables.items():
        if shape.architecture == "jina-v3":
            tensors |= adapted(name, [rows, wide], [rows, RANK], [RANK, wide])
        else:
            tensors[f"{name}.weight"] = [rows, wide]
    norm = "emb_ln" if shape.architecture == "jina-v3" else "embeddings.LayerNorm"
    tensors |= {f"{norm}.weight": [wide], f"{norm}.bias": [wide]}
    for layer in range(shape.layers):
        for name, each in layer_shapes(shape).items():
            tensors[f"{LAYERS.get(shape.architecture, 'encoder.layer')}.{layer}.{name}"] = each
    if shape.unused and shape.architecture == "jina-v3":
        tensors |= adapted("pooler.dense", [wide, wide], [RANK, wide], [wide, RANK])
        tensors["pooler.dense.bias"] = [wide]
    elif shape.unused:
        tensors |= {"pooler.dense.weight": [wide, wide], "pooler.dense.bias": [wide]}
    return tensors


def type_rows(shape: Shape) -> int:
    return 1 if shape.roberta else 2


def is_norm(name: str) -> bool:
    return re.search(r"(layer_?norm(_[qk12])?|norm[12]|emb_ln)\.(weight|bias)$", name, re.IGNORECASE) is not None


def random_tensor(name: str, extents: list[int], random: torch.Generator) -> torch.Tensor:
    noise = torch.randn(extents, generator=random)
    if name.startswith("embeddings.") and "LayerNorm" not in name:
        return (0.3 if "lora" in name else 0.02) * noise  # their product has half the size of the rows
    if "lora" in name:
        return noise / math.sqrt(extents[2])
    if is_norm(name):
        return 1 + 0.3 * noise if name.endswith("weight") else 0.3 * noise
    if name.endswith("bias"):
        return 0.2 * noise
    gain = 1.5 if re.search(r"query|key|gated|intermediate|Wqkv|[qk]_proj|fc1", name) else 1.0
    return gain / math.sqrt(extents[1]) * noise


def random_weights(shape: Shape, vocabulary: int) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(shape.seed)
    weights = {shape.prefix + name: random_tensor(name, extents, random).to(DTYPES[shape.dtype])
               for name, extents in all_shapes(shape, vocabulary).items()}
    if shape.unused and not shape.jina_v3:
        positions = torch.arange(min(shape.positions, 512)).unsqueeze(0)
        weights[shape.prefix + "embeddings.position_ids"] = positions
    return weights


# ---- configuration ----

def config_of(shape: Shape, vocabulary: int) -> dict:
    config = {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu",
        "hidden_size": shape.hidden, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads, "intermediate_size": shape.intermediate,
        "vocab_size": vocabulary, "type_vocab_size": type_rows(shape), "pad_token_id": 0,
        "max_position_embeddings": shape.positions, "layer_norm_eps": shape.epsilon,
        "position_embedding_type": "absolute", "attention_probs_dropout_prob": 0.1,
        "hidden_dropout_prob": 0.1, "torch_dtype": "float32"}
    if shape.jina_bert:
        config |= {"architectures": ["JinaBertForMaskedLM"], "position_embedding_type": "alibi",
                   "feed_forward_type": "geglu", "emb_pooler": "mean",
                   "model_max_length": shape.positions,
                   "_name_or_path": "jinaai/jina-bert-implementation"}
    if shape.roberta:
        config |= {"architectures": ["XLMRobertaModel"], "model_type": "xlm-roberta",
                   "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
    if shape.architecture == "jina-v3":
        config |= {"position_embedding_type": "rotary", "rotary_emb_base": 20000.0,
                   "lora_adaptations": list(TASKS), "task_instructions": INSTRUCTIONS,
                   "lora_rank": RANK, "lora_alpha": 1, "emb_pooler": "mean",
                   "matryoshka_dimensions": [size for size in (8, 16, 32) if size < shape.hidden]
                   + [shape.hidden]}
    if shape.architecture == "jina-v3-plain":
        config |= {"architectures": ["JinaEmbeddingsV3Model"], "model_type": "jina_embeddings_v3",
                   "rope_parameters": {"rope_theta": 20000.0, "rope_type": "default"}}
        del config["position_embedding_type"]
    return config


def write_json(path: Path, content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_pipeline(shape: Shape, out: Path) -> None:
    kinds = ["Transformer", "Pooling"] + ["Normalize"] * shape.normalize
    module = "custom_st" if shape.architecture == "jina-v3" else "sentence_transformers.models"
    write_json(out / "modules.json", [
        {"idx": i, "name": str(i), "path": "" if i == 0 else f"{i}_{kind}",
         "type": f"{module if i == 0 else 'sentence_transformers.models'}.{kind}"} for i, kind in enumerate(kinds)])
    write_json(out / "1_Pooling" / "config.json", {
        "word_embedding_dimension": shape.hidden,
        "pooling_mode_cls_token": shape.pooling == "cls",
        "pooling_mode_mean_tokens": shape.pooling == "mean",
        "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False})
    if not shape.jina_bert:
        offset = 2 if shape.roberta else 0
        write_json(out / "sentence_bert_config.json",
                   {"max_seq_length": shape.positions - offset, "do_lower_case": False})


# ---- tokenizers ----

def write_wordpiece(shape: Shape, out: Path) -> int:
    """An uncased BERT tokenizer over test/data/minilm_vocab.txt."""
    content = (DATA / "minilm_vocab.txt").read_bytes()
    ids = {token: i for i, token in enumerate(content.decode().removesuffix("\n").split("\n"))}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(token, ids[token]) for token in ("[CLS]", "[SEP]")])
    if "json" in shape.tokenizer:
        tokenizer.save(str(out / "tokenizer.json"))
    if "vocab" in shape.tokenizer:
        (out / "vocab.txt").write_bytes(content)
    write_json(out / "tokenizer_config.json", {
        "tokenizer_class": "BertTokenizer", "do_lower_case": True, "strip_accents": None,
        "tokenize_chinese_chars": True, "model_max_length": 2147483648})
    return len(ids)


def pieces_of_speech() -> list[tuple[str, float]]:
    """Words and characters of test/data/state_of_the_union.txt with the logarithms of their shares."""
    text = (DATA / "state_of_the_union.txt").read_text(encoding="utf-8")
    words = collections.Counter("▁" + word for word in text.split())
    characters = collections.Counter(text.replace("\n", " ").replace(" ", "▁"))
    total = sum(words.values())
    pieces = {word: math.log(count / total) for word, count in words.most_common(1500)}
    for character, count in characters.items():
        pieces.setdefault(character, math.log(count / total) - 12)
    return [(piece, round(score, 4)) for piece, score in pieces.items()]


def varint(value: int) -> bytes:
    head, rest = value & 0x7F, value >> 7
    return bytes([head | 0x80]) + varint(rest) if rest else bytes([head])


def field(number: int, value: int | float | bytes) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3) + varint(value)


def sentencepiece_model(pieces: list[tuple[str, float]]) -> bytes:
    """A Unigram ModelProto (sentencepiece_model.proto) without a normalisation table."""
    unknown, control, normal = 2, 3, 1
    every = [("<unk>", 0.0, unknown), ("<s>", 0.0, control), ("</s>", 0.0, control)]
    every += [(piece, score, normal) for piece, score in pieces]
    listed = b"".join(field(1, field(1, piece.encode()) + field(2, float(score)) + field(3, kind))
                      for piece, score, kind in every)
    trainer = field(3, 1) + field(4, len(every))
    normalizer = field(1, b"identity") + field(3, 1) + field(4, 1) + field(5, 1)
    return listed + field(2, trainer) + field(3, normalizer)


def write_sentencepiece(out: Path) -> int:
    """XLM-R's two files over a small vocabulary: <s> <pad> </s> <unk> pieces … <mask>."""
    pieces = pieces_of_speech()
    (out / "sentencepiece.bpe.model").write_bytes(sentencepiece_model(pieces))
    vocabulary = [(token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>")] + pieces
    vocabulary.append(("<mask>", 0.0))
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace("▁", "always")])
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.save(str(out / "tokenizer.json"))
    write_json(out / "tokenizer_config.json", {"tokenizer_class": "XLMRobertaTokenizer"})
    return len(vocabulary)


def write_bpe(out: Path) -> int:
    """A byte-level BPE tokenizer of single bytes, as far as jina-embeddings-v2-base-code's goes."""
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.save(str(out / "tokenizer.json"))
    return len(tokens)


def write_tokenizer(shape: Shape, out: Path) -> int:
    """Returns how many tokens there are."""
    if shape.tokenizer == "sentencepiece":
        return write_sentencepiece(out)
    return write_bpe(out) if shape.tokenizer == "bpe" else write_wordpiece(shape, out)


def make_checkpoint(shape: Shape, out: Path) -> Path:
    out.mkdir(parents=True)
    tokens = write_tokenizer(shape, out)
    vocabulary = shape.vocabulary or tokens
    write_json(out / "config.json", config_of(shape, vocabulary))
    write_pipeline(shape, out)
    save_file(random_weights(shape, vocabulary), out / "model.safetensors", {"format": "pt"})
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("architecture",
                        choices=("bert", "jina-bert", "jina-bert-qk-norm", "xlm-roberta", "jina-v3",
                                 "jina-v3-plain"))
    parser.add_argument("out", type=Path)
    defaults = Shape("bert")
    for name in ("seed", "layers", "heads", "hidden", "intermediate", "positions", "vocabulary"):
        parser.add_argument(f"--{name}", type=int, default=getattr(defaults, name))
    parser.add_argument("--epsilon", type=float, default=defaults.epsilon)
    parser.add_argument("--dtype", choices=DTYPES, default=defaults.dtype)
    parser.add_argument("--prefix", default=defaults.prefix)
    parser.add_argument("--pooling", choices=("mean", "cls"), default=defaults.pooling)
    parser.add_argument("--normalize", action="store_true")
    parser.add_argument("--unused", action="store_true")
    parser.add_argument("--tokenizer", default=defaults.tokenizer,
                        choices=("json+vocab", "json", "vocab", "sentencepiece", "bpe"))
    options = vars(parser.parse_args())
    out = options.pop("out")
    make_checkpoint(Shape(**options), out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
