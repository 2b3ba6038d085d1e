"""BERT (Devlin et al. 2018, arXiv:1810.04805), post-norm, learned absolute positions."""

import torch
from torch import Tensor, nn

from .packed import attend, pool_first, pool_mean, positions_of

# Tensors that published checkpoints may hold and sentence encoders do not use.
IGNORED_TENSORS = ("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias")


class Embeddings(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        hidden = config["hidden_size"]
        self.word_embeddings = nn.Embedding(config["vocab_size"], hidden)
        self.position_embeddings = nn.Embedding(config["max_position_embeddings"], hidden)
        self.token_type_embeddings = nn.Embedding(config["type_vocab_size"], hidden)
        self.LayerNorm = nn.LayerNorm(hidden, eps=config["layer_norm_eps"])

    def forward(self, ids: Tensor, starts: Tensor) -> Tensor:
        positions = positions_of(ids, starts)
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


class Bert(nn.Module):
    """forward(ids: int64[N], starts: int64[B + 1]) -> float32[B, hidden]."""

    def __init__(self, config: dict, pooling: str, normalize: bool):
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = Layers(config)
        self.pool = {"mean": pool_mean, "cls": pool_first}[pooling]
        self.normalize = normalize

    def forward(self, ids: Tensor, starts: Tensor) -> Tensor:
        pooled = self.pool(self.encoder(self.embeddings(ids, starts), starts), starts)
        return nn.functional.normalize(pooled, p=2.0, dim=1) if self.normalize else pooled
