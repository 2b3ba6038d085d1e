"""BERT (Devlin et al. 2018, arXiv:1810.04805), post-norm, learned absolute positions."""

import torch
from torch import Tensor, nn

from .packed import attend, positions_of
from .sentence_encoder import SentenceEncoder

PREFIX = "bert"
# Tensors that published checkpoints may hold and sentence encoders do not use: under the prefix,
# where there is one, and beside it (the heads of the pre-training tasks).
IGNORED_TENSORS = ("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")
IGNORED_HEADS = (
    "cls.predictions.bias",
    "cls.predictions.decoder.bias",
    "cls.predictions.decoder.weight",
    "cls.predictions.transform.LayerNorm.bias",
    "cls.predictions.transform.LayerNorm.weight",
    "cls.predictions.transform.dense.bias",
    "cls.predictions.transform.dense.weight",
    "cls.seq_relationship.bias",
    "cls.seq_relationship.weight",
)


class Embeddings(nn.Module):
    """LayerNorm(word[id] + type[0] + position[first_position + place in the text])."""

    def __init__(self, config: dict, first_position: int):
        super().__init__()
        self.first_position = first_position
        hidden = config["hidden_size"]
        self.word_embeddings = nn.Embedding(config["vocab_size"], hidden)
        self.position_embeddings = nn.Embedding(config["max_position_embeddings"], hidden)
        self.token_type_embeddings = nn.Embedding(config["type_vocab_size"], hidden)
        self.LayerNorm = nn.LayerNorm(hidden, eps=config["layer_norm_eps"])

    def forward(self, ids: Tensor, starts: Tensor) -> Tensor:
        positions = positions_of(ids, starts) + self.first_position
        x = self.word_embeddings(ids) + self.token_type_embeddings.weight[0]
        return self.LayerNorm(x + self.position_embeddings(positions))


class SelfAttention(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        hidden = config["hidden_size"]
        self.heads = config["num_attention_heads"]
        self.query = nn.Linear(hidden, hidden)
        self.key = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, hidden)

    def forward(self, x: Tensor, starts: Tensor) -> Tensor:
        return attend(self.query(x), self.key(x), self.value(x), starts, self.heads)


class ResidualOutput(nn.Module):
    """LayerNorm(dense(x) + residual): how both halves of a layer end."""

    def __init__(self, inputs: int, config: dict):
        super().__init__()
        self.dense = nn.Linear(inputs, config["hidden_size"])
        self.LayerNorm = nn.LayerNorm(config["hidden_size"], eps=config["layer_norm_eps"])

    def forward(self, x: Tensor, residual: Tensor) -> Tensor:
        return self.LayerNorm(self.dense(x) + residual)


class Attention(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.self = SelfAttention(config)
        self.output = ResidualOutput(config["hidden_size"], config)

    def forward(self, x: Tensor, starts: Tensor) -> Tensor:
        return self.output(self.self(x, starts), x)


class Intermediate(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.dense = nn.Linear(config["hidden_size"], config["intermediate_size"])

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.gelu(self.dense(x))  # the exact form, with erf


class Layer(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.attention = Attention(config)
        self.intermediate = Intermediate(config)
        self.output = ResidualOutput(config["intermediate_size"], config)

    def forward(self, x: Tensor, starts: Tensor) -> Tensor:
        x = self.attention(x, starts)
        return self.output(self.intermediate(x), x)


class Layers(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.layer = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))

    def forward(self, x: Tensor, starts: Tensor) -> Tensor:
        for layer in self.layer:
            x = layer(x, starts)
        return x


class Bert(SentenceEncoder):
    def __init__(self, config: dict, pooling: str, normalize: bool):
        super().__init__(pooling, normalize)
        self.embeddings = Embeddings(config, self.first_position_of(config))
        self.encoder = Layers(config)

    @staticmethod
    def first_position_of(config: dict) -> int:
        return 0

    def encode_tokens(self, ids: Tensor, starts: Tensor) -> Tensor:
        return self.encoder(self.embeddings(ids, starts), starts)
