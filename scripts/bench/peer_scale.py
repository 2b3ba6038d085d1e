"""Keeps a million vectors with what people use today, and asks for the nearest: one JSON object.

    peer_scale.py SYSTEM build DATA STORE
    peer_scale.py SYSTEM ask STORE VECTORS K EFFORT

DATA holds all.npy and all.txt, one a line; VECTORS is a .npy too. EFFORT is how much of its index a
system searches, in its own measure; systems that compare every vector have none (0).
"""

import json
import sys
import time
from pathlib import Path

import numpy

BATCH = 5000
NAME = "passages"


def passages(data: Path):
    """Batches of numbers, vectors and texts."""
    vectors = numpy.load(data / "all.npy", mmap_mode="r")
    with (data / "all.txt").open(encoding="utf-8") as texts:
        for first in range(0, len(vectors), BATCH):
            batch = numpy.ascontiguousarray(vectors[first:first + BATCH])
            yield range(first, first + len(batch)), batch, [next(texts).rstrip("\n") for _ in batch]


class FaissFlat:
    """Vectors alone: it keeps no texts."""

    def build(self, data: Path, store: Path) -> None:
        import faiss
        vectors = numpy.load(data / "all.npy", mmap_mode="r")
        index = faiss.IndexFlatIP(vectors.shape[1])
        for first in range(0, len(vectors), BATCH):
            index.add(numpy.ascontiguousarray(vectors[first:first + BATCH]))
        faiss.write_index(index, str(store))

    def open(self, store: Path, effort: int):
        import faiss
        index = faiss.read_index(str(store))
        self.set_effort(index, effort)
        return lambda vector, k: index.search(vector[None], k)[1][0].tolist()

    def set_effort(self, index, effort: int) -> None:
        pass


class FaissIvf(FaissFlat):
    """The same kind as vecdb's: lists of 8-bit codes, scores again from exact vectors."""

    def build(self, data: Path, store: Path) -> None:
        import faiss
        vectors = numpy.load(data / "all.npy", mmap_mode="r")
        lists = round(2 * len(vectors) ** 0.5)
        dimension = vectors.shape[1]
        base = faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(dimension), dimension, lists,
                                             faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT)
        base.cp.spherical, base.cp.niter, base.cp.max_points_per_centroid = True, 10, 64
        index = faiss.IndexRefineFlat(base)
        index.k_factor = 4
        index.train(numpy.ascontiguousarray(vectors))
        index.add(numpy.ascontiguousarray(vectors))
        faiss.write_index(index, str(store))

    def set_effort(self, index, effort: int) -> None:
        import faiss
        faiss.ParameterSpace().set_index_parameter(index, "nprobe", effort)


class Chroma:
    def build(self, data: Path, store: Path) -> None:
        import chromadb
        collection = chromadb.PersistentClient(str(store)).create_collection(
            NAME, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None)
        for numbers, vectors, texts in passages(data):
            collection.add(ids=list(map(str, numbers)), embeddings=vectors, documents=texts)

    def open(self, store: Path, effort: int):
        import chromadb
        collection = chromadb.PersistentClient(str(store)).get_collection(NAME, embedding_function=None)
        if effort:
            collection.modify(configuration={"hnsw": {"ef_search": effort}})

        def ask(vector, k):
            found = collection.query(query_embeddings=[vector], n_results=k, include=["documents", "distances"])
            return list(map(int, found["ids"][0]))
        return ask


class SqliteVec:
    @staticmethod
    def connect(store: Path):
        import apsw  # Python's own module may be built without extensions
        import sqlite_vec
        connection = apsw.Connection(str(store))
        connection.enable_load_extension(True)
        connection.load_extension(sqlite_vec.loadable_path())
        return connection

    def build(self, data: Path, store: Path) -> None:
        connection = self.connect(store)
        width = numpy.load(data / "all.npy", mmap_mode="r").shape[1]
        connection.execute(f"CREATE VIRTUAL TABLE {NAME} USING vec0(id INTEGER PRIMARY KEY, "
                           f"vector FLOAT[{width}] distance_metric=cosine, +text TEXT)")
        for numbers, vectors, texts in passages(data):
            with connection:  # one transaction
                connection.executemany(f"INSERT INTO {NAME}(id, vector, text) VALUES (?, ?, ?)",
                                       zip(numbers, map(numpy.ndarray.tobytes, vectors), texts))

    def open(self, store: Path, effort: int):
        connection = self.connect(store)
        return lambda vector, k: [row[0] for row in connection.execute(
            f"SELECT id, distance, text FROM {NAME} WHERE vector MATCH ? AND k = ? ORDER BY distance",
            (vector.tobytes(), k))]


class LanceFlat:
    def build(self, data: Path, store: Path) -> None:
        import lancedb
        import pyarrow
        width = numpy.load(data / "all.npy", mmap_mode="r").shape[1]
        schema = pyarrow.schema([("id", pyarrow.int64()), ("text", pyarrow.string()),
                                 ("vector", pyarrow.list_(pyarrow.float32(), width))])

        def batches():
            for numbers, vectors, texts in passages(data):
                column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), width)
                yield pyarrow.record_batch([pyarrow.array(numbers), pyarrow.array(texts), column],
                                           schema=schema)
        self.finish(lancedb.connect(store).create_table(
            NAME, pyarrow.RecordBatchReader.from_batches(schema, batches())))

    def finish(self, table) -> None:
        pass

    def open(self, store: Path, effort: int):
        import lancedb
        table = lancedb.connect(store).open_table(NAME)

        def ask(vector, k):
            search = table.search(vector).distance_type("cosine").limit(k)
            if effort:
                search = search.nprobes(effort).refine_factor(10)
            return search.select(["id", "text"]).to_arrow()["id"].to_pylist()
        return ask


class LanceIvf(LanceFlat):
    def finish(self, table) -> None:
        from lancedb.index import IvfPq
        table.create_index("vector", config=IvfPq(distance_type="cosine"))


SYSTEMS = {"faiss-flat": FaissFlat, "faiss-ivf": FaissIvf, "chroma": Chroma, "sqlite-vec": SqliteVec,
           "lancedb-flat": LanceFlat, "lancedb-ivf": LanceIvf}


def anonymous_bytes() -> int:
    line, = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


def ask(system, store: Path, vectors: Path, k: int, effort: int) -> dict:
    start = time.perf_counter()
    search = system.open(store, effort)
    result = {"open": time.perf_counter() - start, "queries": [], "best": []}
    for vector in numpy.load(vectors):
        start = time.perf_counter()
        best = search(vector, k)
        result["queries"].append(time.perf_counter() - start)
        result["best"].append(best)
    return result | {"anonymous": anonymous_bytes()}


def main(name: str, action: str, *arguments: str) -> None:
    system = SYSTEMS[name]()
    if action == "build":
        system.build(*map(Path, arguments))
        return
    store, vectors, k, effort = arguments
    print(json.dumps(ask(system, Path(store), Path(vectors), int(k), int(effort))))


if __name__ == "__main__":
    main(*sys.argv[1:])
