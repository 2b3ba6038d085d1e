"""Tracing an encoder, and proving that the graph computes what the encoder does."""

import warnings
from pathlib import Path

import torch

# PyTorch's Generator of a fixed seed: the same tokens each time.
SEED = 1
LENGTHS = (1, 2, 17, 5)


def pack(texts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """One row of tokens, filled up to a multiple of 16 as the program does, and where texts start."""
    ids = [token for text in texts for token in text]
    starts = torch.tensor([0] + [len(text) for text in texts]).cumsum(0)
    return torch.tensor(ids + [0] * (-len(ids) % 16)), starts


def trace(module: torch.nn.Module) -> torch.jit.ScriptModule:
    example = torch.arange(8) % 4, torch.tensor([0, 3, 7])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tracing is announced as deprecated; it still works
        return torch.jit.trace(module, example, check_trace=False)


def largest_difference(a: torch.Tensor, b: torch.Tensor) -> float:
    """Relative to the largest component, or absolute where that is below 1."""
    return float((a - b).abs().max() / b.abs().max().clamp(min=1))


@torch.no_grad()
def encode_checked(module: torch.nn.Module, traced: torch.jit.ScriptModule,
                   texts: list[list[int]], vocabulary: int) -> torch.Tensor:
    """The texts' vectors by the graph; the module must give the same, alone and in batches.

    The batches have other lengths than the example of trace(), so that a length which tracing made
    a constant shows.
    """
    generator = torch.Generator().manual_seed(SEED)
    short = [torch.randint(vocabulary, (length,), generator=generator).tolist() for length in LENGTHS]
    rows = [*short, *texts]
    alone = []
    for row in rows:
        alone.append(traced(*pack([row]))[0])
        if largest_difference(module(*pack([row]))[0], alone[-1]) > 1e-6:
            raise AssertionError(f"the traced graph differs from the module at {len(row)} tokens")
    for order in (range(len(rows)), range(len(rows))[::-1]):
        batch, wanted = pack([rows[i] for i in order]), torch.stack([alone[i] for i in order])
        vectors = traced(*batch)
        if largest_difference(module(*batch), vectors) > 1e-6:
            raise AssertionError("the traced graph differs from the module in a batch")
        if largest_difference(vectors, wanted) > 1e-5:
            raise AssertionError("a text's vector depends on the batch it is in")
    return torch.stack(alone[len(short):])


def save_graph(traced: torch.jit.ScriptModule, path: Path) -> None:
    """Writes the graph without its weights. The module that was traced loses them."""
    for parameter in traced.parameters():
        parameter.requires_grad_(False)
        parameter.data = torch.empty(0)
    torch.jit.save(traced, str(path))
