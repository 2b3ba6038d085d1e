"""Makes the vectors that scale.py measures with, and what an exact search finds among them.

    scale_data.py ENCODINGS.npy PASSAGES DATA ROWS QUERIES

Half of the rows are synthetic clusters, half are real encodings of PASSAGES (JSON Lines with "text") repeated
with noise. Writes to DATA: all.npy, all.txt (their texts, one a line) and all.jsonl (the same, for `vecdb import`); few.npy
and few.jsonl, the first of them; queries.npy, queries.f32 (the same without a header) and truth.json: the ten
nearest rows of each question.
"""

import json
import sys
from pathlib import Path

import numpy
from numpy.lib.format import open_memmap

CLUSTERS = 2000
CLUSTER_NOISE = 0.9  # length of the noise, beside centres of length 1
ENCODING_NOISE = 0.4
BLOCK = 20_000
FEW = 10_000
CHUNKS_A_DOCUMENT = 100
NEAREST = 10


def unit(rows: numpy.ndarray) -> numpy.ndarray:
    return (rows / numpy.linalg.norm(rows, axis=1, keepdims=True)).astype(numpy.float32)


def around(random, centres: numpy.ndarray, noise: float, chosen: numpy.ndarray) -> numpy.ndarray:
    spread = random.standard_normal((len(chosen), centres.shape[1]), dtype=numpy.float32)
    return unit(centres[chosen] + spread * (noise / centres.shape[1] ** 0.5))


def draw(random, centres: numpy.ndarray, encodings: numpy.ndarray, count: int) -> numpy.ndarray:
    """Every other row of each sort."""
    rows = numpy.empty((count, centres.shape[1]), dtype=numpy.float32)
    clustered = (count + 1) // 2
    rows[0::2] = around(random, centres, CLUSTER_NOISE, random.integers(len(centres), size=clustered))
    rows[1::2] = around(random, encodings, ENCODING_NOISE, random.integers(len(encodings), size=count - clustered))
    return rows


def write_texts(data: Path, passages: list[str], rows: int) -> None:
    with (data / "all.txt").open("w", encoding="utf-8") as texts, \
            (data / "all.jsonl").open("w", encoding="utf-8") as chunks, \
            (data / "few.jsonl").open("w", encoding="utf-8") as few:
        start = 0
        for row in range(rows):
            number = row % CHUNKS_A_DOCUMENT
            start = 0 if number == 0 else start
            text = f"{row}: {passages[row % len(passages)]}"
            end = start + len(text.encode())
            texts.write(text + "\n")
            line = json.dumps({"uri": f"passages/{row // CHUNKS_A_DOCUMENT:07}", "chunk": number, "start": start,
                               "end": end, "line": number + 1, "text": text}) + "\n"
            chunks.write(line)
            if row < FEW:
                few.write(line)
            start = end + 1


def nearest(vectors: numpy.ndarray, queries: numpy.ndarray) -> list[list[int]]:
    scores = numpy.empty((len(queries), 0), dtype=numpy.float32)
    rows = numpy.empty((len(queries), 0), dtype=numpy.int64)
    for first in range(0, len(vectors), BLOCK):
        block = queries @ vectors[first:first + BLOCK].T
        scores = numpy.hstack([scores, block])
        rows = numpy.hstack([rows, numpy.broadcast_to(numpy.arange(first, first + block.shape[1]), block.shape)])
        best = numpy.argsort(-scores, axis=1, kind="stable")[:, :NEAREST]
        scores, rows = numpy.take_along_axis(scores, best, 1), numpy.take_along_axis(rows, best, 1)
    return rows.tolist()


def main(encodings: Path, passages: Path, data: Path, rows: int, questions: int) -> None:
    encoded = numpy.load(encodings)
    random = numpy.random.default_rng(1)
    centres = unit(random.standard_normal((CLUSTERS, encoded.shape[1])))
    vectors = open_memmap(data / "all.npy", mode="w+", dtype=numpy.float32, shape=(rows, encoded.shape[1]))
    for first in range(0, rows, BLOCK):
        vectors[first:first + BLOCK] = draw(random, centres, encoded, min(BLOCK, rows - first))
    vectors.flush()
    numpy.save(data / "few.npy", vectors[:FEW])
    queries = draw(random, centres, encoded, questions)
    numpy.save(data / "queries.npy", queries)
    queries.tofile(data / "queries.f32")
    (data / "truth.json").write_text(json.dumps(nearest(vectors, queries)))
    with passages.open(encoding="utf-8") as lines:
        write_texts(data, [" ".join(json.loads(line)["text"].split()) for line in lines], rows)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), *map(int, sys.argv[4:6]))
