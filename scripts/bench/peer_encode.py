#!/usr/bin/env python3
"""Encodes the texts of a file of JSON Lines with one of the engines that people use, as often as asked.

    peer_encode.py ENGINE CHECKOUT FORMS TEXTS THREADS OUT [--quick]

CHECKOUT is the published folder of all-MiniLM-L6-v2, FORMS what peer_models.py makes of it. First each
setting of the engine encodes half of the texts, once to warm up and once on the clock, and the fastest
is kept (not with --quick, which knows no "best"); then all texts are encoded and their vectors written to
OUT (float32). That is told as one JSON object, {"texts", "tokens", "usual", "best"}, the last two of
settings. From then on every line of stdin, "usual" or "best", is answered with {"seconds"}: those of encoding all
texts again in that setting, the tokenizer's work included.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy
from tokenizers import Tokenizer

WINDOW = 256  # tokens, as in the checkout's sentence_bert_config.json
BATCHES = (1, 8, 16, 32, 64)


@dataclass(frozen=True)
class Setting:
    batch: int  # texts
    streams: int = 1  # batches at a time, which share the threads

    def __str__(self) -> str:
        return f"{self.batch} text{'s'[:self.batch != 1]} a batch, {self.streams} at a time"


USUAL = Setting(32)  # what sentence-transformers takes when it is not told


class SentenceTransformers:
    """As it comes: it sorts by length and tokenizes by itself, and works on one batch at a time."""

    streams = (1,)

    def __init__(self, checkout: Path, _forms: Path, threads: int, precision: str) -> None:
        import torch
        from sentence_transformers import SentenceTransformer
        torch.set_num_threads(threads)
        self.model = SentenceTransformer(str(checkout), device="cpu",
                                         model_kwargs={"dtype": getattr(torch, precision)})

    def encode(self, texts: list[str], setting: Setting) -> numpy.ndarray:
        return self.model.encode(texts, batch_size=setting.batch)


class Batched:
    """An engine that takes batches of tokens: the texts are sorted by length, the vectors put back."""

    streams = (1, 2)

    def __init__(self, checkout: Path, forms: Path, threads: int) -> None:
        self.forms, self.threads = forms, threads
        self.tokenizer = Tokenizer.from_file(str(checkout / "tokenizer.json"))
        self.tokenizer.enable_truncation(WINDOW)
        self.tokenizer.no_padding()
        self.opened = {}

    def open(self, streams: int):
        """A function that takes a batch, lists of tokens, and gives vectors; several may run at a time."""
        raise NotImplementedError

    def encode(self, texts: list[str], setting: Setting) -> numpy.ndarray:
        if setting.streams not in self.opened:
            self.opened[setting.streams] = self.open(setting.streams)
        tokens = [encoding.ids for encoding in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(tokens)), key=lambda i: len(tokens[i]), reverse=True)
        batches = [order[first:first + setting.batch] for first in range(0, len(order), setting.batch)]
        with ThreadPoolExecutor(setting.streams) as pool:
            found = pool.map(self.opened[setting.streams], ([tokens[i] for i in batch] for batch in batches))
            vectors = numpy.concatenate(list(found))
        back = numpy.empty_like(vectors)
        back[order] = vectors
        return back


def padded(batch: list[list[int]]) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Tokens and their mask, texts × the longest."""
    lengths = numpy.array([len(tokens) for tokens in batch])
    mask = (numpy.arange(lengths.max()) < lengths[:, None]).astype(numpy.int64)
    ids = numpy.zeros_like(mask)
    ids[mask == 1] = numpy.concatenate(batch)
    return ids, mask


class CTranslate2(Batched):
    def __init__(self, checkout: Path, forms: Path, threads: int, arithmetic: str) -> None:
        super().__init__(checkout, forms, threads)
        self.arithmetic = arithmetic

    def open(self, streams: int):
        import ctranslate2
        encoder = ctranslate2.Encoder(str(self.forms / "ctranslate2"), compute_type=self.arithmetic,
                                      inter_threads=streams, intra_threads=self.threads // streams)

        def run(batch):
            hidden = numpy.asarray(encoder.forward_batch(batch).last_hidden_state)
            mask = padded(batch)[1].astype(numpy.float32)
            sums = (mask[:, None, :] @ hidden)[:, 0]  # of mean pooling; the length is 1 in the end
            return sums / numpy.linalg.norm(sums, axis=1, keepdims=True)
        return run


class OnnxRuntime(Batched):
    def open(self, streams: int):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads // streams
        session = onnxruntime.InferenceSession(str(self.forms / "fused.onnx"), options,
                                               providers=["CPUExecutionProvider"])
        return lambda batch: session.run(None, dict(zip(("ids", "mask"), padded(batch), strict=True)))[0]


class OpenVino(Batched):
    def open(self, streams: int):
        import threading

        import openvino
        model = openvino.Core().compile_model(self.forms / "model.onnx", "CPU", {
            "INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": self.threads, "NUM_STREAMS": streams,
            "PERFORMANCE_HINT": "THROUGHPUT" if streams > 1 else "LATENCY", "ENABLE_HYPER_THREADING": True})
        if model.get_property("INFERENCE_PRECISION_HINT") != openvino.Type.bf16:
            raise RuntimeError("OpenVINO does not compute in bf16 on this processor")
        mine = threading.local()

        def run(batch):
            if not hasattr(mine, "request"):
                mine.request = model.create_infer_request()
            return mine.request.infer(dict(zip(("ids", "mask"), padded(batch), strict=True)))[0].astype(numpy.float32)
        return run


ENGINES = {
    "sentence-transformers-f32": lambda *places: SentenceTransformers(*places, "float32"),
    "sentence-transformers-bf16": lambda *places: SentenceTransformers(*places, "bfloat16"),
    "ctranslate2-int8": lambda *places: CTranslate2(*places, "int8"),
    "onnxruntime-f32": OnnxRuntime,
    "openvino-bf16": OpenVino,
}


def seconds_of(engine, texts: list[str], setting: Setting) -> float:
    start = time.perf_counter()
    engine.encode(texts, setting)
    return time.perf_counter() - start


def best_setting(engine, texts: list[str]) -> Setting:
    half, results = texts[::2], {}
    for setting in (Setting(batch, streams) for streams, batch in product(engine.streams, BATCHES)):
        seconds_of(engine, half, setting)
        results[setting] = seconds_of(engine, half, setting)
        print(f"{setting}: {results[setting]:.3f} s", file=sys.stderr, flush=True)
    return min(results, key=results.get)


def token_count(checkout: Path, texts: list[str]) -> int:
    tokenizer = Tokenizer.from_file(str(checkout / "tokenizer.json"))
    tokenizer.enable_truncation(WINDOW)
    tokenizer.no_padding()
    return sum(len(encoding.ids) for encoding in tokenizer.encode_batch(texts))


def main(name: str, checkout: str, forms: str, file: str, threads: str, out: str, *flags: str) -> None:
    engine = ENGINES[name](Path(checkout), Path(forms), int(threads))
    with open(file, encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    settings = {"usual": USUAL} if "--quick" in flags else {"best": best_setting(engine, texts), "usual": USUAL}
    for setting in settings.values():
        vectors = engine.encode(texts, setting)
    numpy.asarray(vectors, dtype="<f4").tofile(out)
    facts = {"texts": len(texts), "tokens": token_count(Path(checkout), texts)}
    print(json.dumps(facts | {kind: str(setting) for kind, setting in settings.items()}), flush=True)
    for line in sys.stdin:
        print(json.dumps({"seconds": seconds_of(engine, texts, settings[line.strip()])}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
