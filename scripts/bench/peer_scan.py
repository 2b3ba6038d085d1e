"""Searches a store's only segment with PyPI's faiss-cpu, as bench_scan does with ours: one JSON object."""

import json
import sys
import time
from pathlib import Path

import faiss
import numpy


def main(store: Path, queries: int) -> None:
    segment, = (store / "segments").iterdir()
    with_ids = faiss.read_index(str(segment))
    index = faiss.downcast_index(with_ids.index)
    ids = faiss.vector_to_array(with_ids.id_map)
    random = numpy.random.default_rng(2)
    seconds = []
    _, best = index.search(index.reconstruct(0)[None], 10)
    for _ in range(queries):
        query = random.standard_normal((1, index.d), dtype=numpy.float32)
        start = time.perf_counter()
        index.search(query, 10)
        seconds.append(time.perf_counter() - start)
    print(json.dumps({"IndexFlatIP": seconds, "faiss": faiss.__version__, "best": ids[best[0]].tolist()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
