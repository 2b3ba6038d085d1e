"""A model folder's graph, run by PyTorch: for comparing it with other implementations."""

import json
import subprocess
import sys
from pathlib import Path

import torch

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "scripts"))

from trace_encoder import PROGRAM, graph_options, read_weights  # noqa: E402


def pack(texts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """One row of tokens, filled up to a multiple of 16 as the program does, and where texts start."""
    ids = [token for text in texts for token in text]
    starts = torch.tensor([0] + [len(text) for text in texts]).cumsum(0)
    return torch.tensor(ids + [0] * (-len(ids) % 16)), starts


class ModelGraph:
    def __init__(self, folder: Path):
        self.manifest = json.loads((folder / "model.json").read_text())
        self.graph = torch.jit.load(str(folder / "encoder.pt"))
        self.weights = read_weights(folder, self.manifest)

    @torch.no_grad()
    def encode(self, texts: list[list[int]], task: int = -1) -> torch.Tensor:
        """float64[texts, hidden], all texts in one batch."""
        return self.graph(*pack(texts), self.weights, graph_options(self.manifest, task)).double()


def make_model(checkout: Path, out: Path) -> ModelGraph:
    """What `vecdb model make` makes of a checkout."""
    subprocess.run([PROGRAM, "model", "make", checkout, "--out", out], check=True, capture_output=True)
    return ModelGraph(out)
