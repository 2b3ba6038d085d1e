"""What every architecture ends with: one vector a text from its tokens' vectors."""

from torch import Tensor, nn

from .packed import pool_first, pool_mean


class SentenceEncoder(nn.Module):
    """forward(ids: int64[N], starts: int64[B + 1]) -> float32[B, hidden].

    An architecture gives `encode_tokens(ids, starts) -> [N, hidden]`.
    """

    def __init__(self, pooling: str, normalize: bool):
        super().__init__()
        self.pool = {"mean": pool_mean, "cls": pool_first}[pooling]
        self.normalize = normalize

    def encode_tokens(self, ids: Tensor, starts: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, ids: Tensor, starts: Tensor) -> Tensor:
        pooled = self.pool(self.encode_tokens(ids, starts), starts)
        return nn.functional.normalize(pooled, p=2.0, dim=1) if self.normalize else pooled


class Prefixed(nn.Module):
    """An encoder whose parameters are all named `prefix.…`, as in a checkpoint made for training."""

    def __init__(self, prefix: str, encoder: nn.Module):
        super().__init__()
        self.prefix = prefix
        self.add_module(prefix, encoder)

    def forward(self, ids: Tensor, starts: Tensor) -> Tensor:
        return getattr(self, self.prefix)(ids, starts)
