"""Which encoder a checkout holds: by config.json, then by the names of its tensors."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from torch import nn

from . import bert, jina_bert, xlm_roberta
from .checkpoint import Refused, expect, read_json, require, tensor_names
from .sentence_encoder import Prefixed, SentenceEncoder

SIZES = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "vocab_size",
         "type_vocab_size", "max_position_embeddings")
# What only jina-embeddings-v3's configurations have; one of them says it is an xlm-roberta.
JINA_V3_KEYS = ("rotary_emb_base", "lora_adaptations", "rope_parameters")
QK_NORM = "attention.self.layer_norm_q.weight"


@dataclass(frozen=True)
class Architecture:
    name: str  # in model.json
    module: ModuleType  # PREFIX, IGNORED_TENSORS, IGNORED_HEADS
    encoder: type[SentenceEncoder]


BERT = Architecture("bert", bert, bert.Bert)
XLM_ROBERTA = Architecture("xlm-roberta", xlm_roberta, xlm_roberta.XlmRoberta)
JINA_BERT = Architecture("jina-bert", jina_bert, jina_bert.JinaBert)
JINA_BERT_QK_NORM = Architecture("jina-bert-qk-norm", jina_bert, jina_bert.JinaBertQkNorm)


def read_config(source: Path) -> dict:
    """config.json, checked as far as all architectures agree."""
    path = source / "config.json"
    config = read_json(path)
    if config.get("model_type") == "jina_embeddings_v3" or any(key in config for key in JINA_V3_KEYS):
        raise Refused(f"{path}: this is jina-embeddings-v3 (rotary positions, LoRA tasks), which is "
                      "not known here")
    for key in SIZES:
        value = require(config, key, path)
        if type(value) is not int or value < 1:
            raise Refused(f"{path}: {key} is {value!r}, not a size")
    if not isinstance(require(config, "layer_norm_eps", path), float) or config["layer_norm_eps"] <= 0:
        raise Refused(f"{path}: layer_norm_eps is {config['layer_norm_eps']!r}")
    if config["hidden_size"] % config["num_attention_heads"]:
        raise Refused(f"{path}: num_attention_heads does not divide hidden_size")
    for key in ("is_decoder", "add_cross_attention"):
        if config.get(key, False):
            raise Refused(f"{path}: {key} is {config[key]!r}: not an encoder")
    expect(config, path, hidden_act="gelu")
    return config


def choose(config: dict, path: Path, tensors: set[str]) -> Architecture:
    """The architecture that config.json names; load_weights proves that the tensors are its own.

    position_embedding_type is absent where transformers 5 wrote the file. Then the tensors decide:
    relative positions have tensors of their own.
    """
    model_type = require(config, "model_type", path)
    positions = config.get("position_embedding_type", "absolute")
    feed_forward = config.get("feed_forward_type", "original")
    kind = (model_type, positions, feed_forward)
    if kind == ("bert", "alibi", "geglu"):
        return JINA_BERT_QK_NORM if any(name.endswith(QK_NORM) for name in tensors) else JINA_BERT
    if kind == ("bert", "absolute", "original"):
        return BERT
    if kind == ("xlm-roberta", "absolute", "original"):
        pad = require(config, "pad_token_id", path)
        if type(pad) is not int or not 0 <= pad < config["max_position_embeddings"] - 1:
            raise Refused(f"{path}: pad_token_id is {pad!r}")
        return XLM_ROBERTA
    raise Refused(f"{path}: model_type {model_type!r} with position_embedding_type {positions!r} and "
                  f"feed_forward_type {feed_forward!r} is not known here")


def longest_text(architecture: Architecture, config: dict) -> int:
    """Tokens that the encoder has positions for."""
    unused = config["pad_token_id"] + 1 if architecture is XLM_ROBERTA else 0
    return config["max_position_embeddings"] - unused


def read_architecture(source: Path) -> tuple[Architecture, dict]:
    config = read_config(source)
    return choose(config, source / "config.json", tensor_names(source)), config


def make_encoder(architecture: Architecture, config: dict, pooling: str, normalize: bool,
                 tensors: set[str]) -> tuple[nn.Module, set[str]]:
    """The encoder with its parameters named as the file's tensors, and those it does not use."""
    encoder = architecture.encoder(config, pooling, normalize).eval()
    prefix, ignored = "", architecture.module.IGNORED_TENSORS
    if any(name.startswith(f"{architecture.module.PREFIX}.embeddings.") for name in tensors):
        prefix = architecture.module.PREFIX + "."
        encoder = Prefixed(architecture.module.PREFIX, encoder).eval()
    unused = {prefix + name for name in ignored} | set(architecture.module.IGNORED_HEADS)
    return encoder, unused & tensors
