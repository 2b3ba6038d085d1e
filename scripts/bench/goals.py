"""What vecdb is meant to reach: one bound for each row of the benchmark that has a goal."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    bound: float
    at_least: bool
    shown: str  # of the bound

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.shown}"


def at_least(bound: float) -> Goal:
    return Goal(bound, True, f"{bound:g}")


def at_most(bound: float, shown: str = "") -> Goal:
    return Goal(bound, False, shown or f"{bound:g}")


# By the names of rows. A ratio where the row has another side, else the row's own figure: for a time its
# seconds. Those to peers are about what the peers do with 32 texts a batch; what they do at their best
# stands in rows of its own.
GOALS = {
    "encoder, bf16 to sentence-transformers f32": at_least(3.0),
    "encoder, bf16 to sentence-transformers bf16": at_least(1.55),
    "encoder, bf16 to CTranslate2 int8": at_least(1.9),
    "encoder, bf16 to ONNX Runtime f32": at_least(2.4),
    "encoder, bf16 to OpenVINO bf16": at_least(1.28),
    "encoder, int8 to bf16": at_least(1.4),
    "bf16 to oneDNN's limit, all-MiniLM-L6-v2, texts of 200 tokens": at_least(0.80),
    "bf16 to oneDNN's limit, JinaBERT base, texts of 512 tokens": at_least(0.75),
    "bf16 to oneDNN's limit, JinaBERT base, texts of 4,096 tokens": at_least(0.75),
    "ingest into an empty store": at_least(8),
    "query from a cold start": at_least(20),
    "query from a cold start, to the loading of libtorch": at_most(0.9),
    "query with `vecdb serve` running": at_most(0.012, "12 ms"),
    "query with `vecdb serve` running, to the encoder's forward pass": at_most(3),
    "ingest of a tree, to the encoder's own rate": at_least(0.9),
}
