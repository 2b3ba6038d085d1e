#!/usr/bin/env python3
"""Reads a vecdb store with sqlite3, faiss and numpy alone, as docs/FORMAT.md describes it.

Checks HEAD, the checksum of every row and every segment, and that chunks and live rows name each
other exactly. Prints the documents with their chunks as JSON Lines; with --query, the nearest
chunks of a vector instead. Ends with status 1 and a line on stderr when something is wrong.
"""

import argparse
import collections
import hashlib
import json
import pathlib
import sqlite3
import struct
import sys

import faiss
import numpy


class Damage(Exception):
    pass


def need(condition, what):
    if not condition:
        raise Damage(what)


def checksum(table, fields):
    """32 digits over length-prefixed texts and 8-byte integers."""
    data = b""
    for field in (table, *fields):
        if isinstance(field, int):
            data += struct.pack("<q", field)
        else:
            raw = field.encode("utf-8", "surrogateescape") if isinstance(field, str) else field
            data += struct.pack("<q", len(raw)) + raw
    return hashlib.sha256(data).hexdigest()[:32]


def read_head(store):
    text = (store / "HEAD").read_bytes()
    body, last = text[:-72], text[-72:]
    need(last == b"sha256 %s\n" % hashlib.sha256(body).hexdigest().encode(), "HEAD: checksum")
    lines = body.decode().splitlines()
    need(lines[:2] == ["vecdb store", "format 3"], "HEAD: format")
    return dict(line.split(" ", 1) for line in lines[1:])


def open_catalogue(store):
    uri = (store / "catalog.db").resolve().as_uri() + "?mode=ro"
    catalogue = sqlite3.connect(uri, uri=True, isolation_level=None)
    catalogue.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    catalogue.row_factory = sqlite3.Row
    catalogue.execute("BEGIN")
    need(catalogue.execute("PRAGMA application_id").fetchone()[0] == 0x76656364, "application_id")
    need(catalogue.execute("PRAGMA user_version").fetchone()[0] == 3, "user_version")
    return catalogue


def rows_of(catalogue, table, order, fields):
    """All rows of a table, each compared with its checksum."""
    rows = catalogue.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
    for row in rows:
        expected = checksum(table, [row[name] for name in fields.split()])
        need(row["checksum"] == expected, f"{table}: checksum of {tuple(row)}")
    return rows


def check_state(catalogue, head):
    settings = dict(tuple(row) for row in catalogue.execute("SELECT key, value FROM settings"))
    expected = settings.pop("checksum")
    fields = [part for key in sorted(settings) for part in (key, settings[key])]
    need(expected == checksum("settings", fields), "settings: checksum")
    need(settings["store"] == head["store"], "HEAD: another store's")
    state = rows_of(catalogue, "state", "id",
                    "generation documents segments next_document next_chunk next_segment")[0]
    need(state["generation"] >= int(head["generation"]), "catalogue: older than HEAD")
    return settings, state


def check_index(store, segment, row):
    need(row["name"] == f"{segment['id']:06}-{row['sha256'][:8]}.ivf", f"{row['name']}: name")
    path = store / "segments" / row["name"]
    data = path.read_bytes()
    need(len(data) == row["bytes"], f"{path}: size")
    need(hashlib.sha256(data).hexdigest() == row["sha256"], f"{path}: SHA-256")
    index = faiss.read_index(str(path))
    need(row["kind"] == "ivf" and index.nlist == row["lists"], f"{path}: lists")
    flat = isinstance(index, faiss.IndexIVFFlat)
    code = "f32" if flat else {faiss.ScalarQuantizer.QT_fp16: "f16", faiss.ScalarQuantizer.QT_8bit: "sq8"}[index.sq.qtype]
    need(code == row["codes"], f"{path}: codes")
    lists = index.invlists
    ids = [i for n in range(index.nlist)
           for i in faiss.rev_swig_ptr(lists.get_ids(n), lists.list_size(n)).tolist()]
    need(sorted(ids) == list(range(segment["count"])), f"{path}: rows")


def read_segments(store, catalogue, settings):
    """The opened index and the live chunks' rows of each segment."""
    segments = []
    fields = "id name kind bytes sha256 dimension metric count generation first last search_index dead dead_digest"
    below = 0
    for row in rows_of(catalogue, "segments", "first", fields):
        dead = [r[0] for r in catalogue.execute(
            "SELECT chunk FROM tombstones WHERE segment=? ORDER BY chunk", (row["id"],))]
        need(row["dead"] == len(dead), f"{row['name']}: number of tombstones")
        need(row["dead_digest"] == checksum("tombstones", dead), f"{row['name']}: tombstones")
        path = store / "segments" / row["name"]
        data = path.read_bytes()
        need(len(data) == row["bytes"], f"{path}: size")
        need(hashlib.sha256(data).hexdigest() == row["sha256"], f"{path}: SHA-256")
        index = faiss.read_index(str(path))
        need(isinstance(index, faiss.IndexIDMap), f"{path}: kind")
        need(isinstance(faiss.downcast_index(index.index), faiss.IndexFlat), f"{path}: kind")
        need(index.metric_type == faiss.METRIC_INNER_PRODUCT, f"{path}: metric")
        need(index.d == row["dimension"] == int(settings["dimension"]), f"{path}: dimension")
        need(index.ntotal == row["count"], f"{path}: count")
        ids = faiss.vector_to_array(index.id_map)
        need(below < row["first"] and (ids[0], ids[-1]) == (row["first"], row["last"]), f"{path}: range")
        need((numpy.diff(ids) > 0).all(), f"{path}: order of the ids")
        below = row["last"]
        norms = numpy.linalg.norm(index.index.reconstruct_n(0, index.ntotal), axis=1)
        need(numpy.allclose(norms, 1, atol=1e-3), f"{path}: a vector is not of unit length")
        need(set(dead) <= set(ids.tolist()), f"{path}: tombstones")
        if row["search_index"]:
            check_index(store, row, json.loads(row["search_index"]))
        rows = {int(chunk): place for place, chunk in enumerate(ids)}
        segments.append((index, {chunk: rows[chunk] for chunk in rows.keys() - set(dead)}))
    return segments


def read_documents(catalogue):
    documents = rows_of(catalogue, "documents", "uri",
                        "id uri sha256 size mtime_ns ctime_ns type recipe meta first_chunk chunks"
                        " truncated split averaged tokens text_bytes chunk_keys")
    chunks = {document["id"]: [] for document in documents}
    uris = {document["id"]: document["uri"] for document in documents}
    for row in catalogue.execute("SELECT * FROM chunks ORDER BY document, number"):
        need(row["document"] in uris, f"chunk {row['id']}: no document")
        fields = [row["id"], row["document"], uris[row["document"]]]
        fields += [row[name] for name in
                   "number start end line text text_key meta tokens fit".split()]
        need(row["checksum"] == checksum("chunks", fields), f"chunk {row['id']}: checksum")
        digest = hashlib.sha256(row["text"].encode("utf-8", "surrogateescape")).digest()
        need(row["text_key"] == struct.unpack(">q", digest[:8])[0], f"chunk {row['id']}: text_key")
        chunks[row["document"]].append(row)
    for document in documents:
        numbers = [chunk["number"] for chunk in chunks[document["id"]]]
        need(numbers == list(range(document["chunks"])), f"{document['uri']}: chunks")
        ids = [chunk["id"] - document["first_chunk"] for chunk in chunks[document["id"]]]
        need(ids == numbers, f"{document['uri']}: ids")
        keys = sorted({key for chunk in chunks[document["id"]] for key in json.loads(chunk["meta"] or "{}")},
                      key=lambda key: key.encode())
        need(document["chunk_keys"] == (json.dumps(keys, ensure_ascii=False, separators=(",", ":"))
                                        if keys else ""), f"{document['uri']}: chunk_keys")
        fits = collections.Counter(chunk["fit"] for chunk in chunks[document["id"]])
        need([fits[1], fits[2], fits[3]] == [document[name] for name in
                                             ("truncated", "split", "averaged")],
             f"{document['uri']}: fits")
    return documents, chunks


def read_store(store):
    head = read_head(store)
    catalogue = open_catalogue(store)
    settings, state = check_state(catalogue, head)
    segments = read_segments(store, catalogue, settings)
    documents, chunks = read_documents(catalogue)
    need(len(segments) == state["segments"], "number of segments")
    need(len(documents) == state["documents"], "number of documents")
    live = sorted(chunk for _, rows in segments for chunk in rows)
    stored = sorted(chunk["id"] for rows in chunks.values() for chunk in rows)
    need(live == stored, "chunks and live vectors do not name each other")
    return segments, documents, chunks


def as_json(document, chunk):
    record = {"uri": document["uri"], "id": chunk["id"], "chunk": chunk["number"]}
    record.update((key, chunk[key]) for key in ("start", "end", "line", "text"))
    record["meta"] = json.loads(document["meta"]) | json.loads(chunk["meta"] or "{}")
    return record


def nearest(segments, documents, chunks, query, k):
    by_id = {chunk["id"]: (document, chunk) for document in documents for chunk in chunks[document["id"]]}
    query = numpy.asarray([query], dtype=numpy.float32)
    found = []
    for index, rows in segments:
        live = faiss.IDSelectorBatch(numpy.asarray(sorted(rows), dtype=numpy.int64))
        parameters = faiss.SearchParameters(sel=live)
        scores, ids = index.search(query, min(k, len(rows)), params=parameters)
        found += [(float(s), int(i)) for s, i in zip(scores[0], ids[0]) if i >= 0]
    found.sort(key=lambda hit: (-hit[0], by_id[hit[1]][0]["uri"], by_id[hit[1]][1]["number"]))
    return [{"score": score, **as_json(*by_id[chunk])} for score, chunk in found[:k]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("store", type=pathlib.Path)
    parser.add_argument("--query", metavar="JSON", help="a vector, as a JSON array of numbers")
    parser.add_argument("-k", type=int, default=4, help="how many chunks a query returns")
    parser.add_argument("--vectors", action="store_true", help="print each chunk's vector too")
    arguments = parser.parse_args()
    try:
        segments, documents, chunks = read_store(arguments.store)
    except Damage as damage:
        sys.exit(f"read_store.py: {arguments.store}: {damage}")
    if arguments.query is not None:
        query = json.loads(arguments.query)
        for hit in nearest(segments, documents, chunks, query, arguments.k):
            print(json.dumps(hit))
        return
    for document in documents:
        for chunk in chunks[document["id"]]:
            record = as_json(document, chunk)
            if arguments.vectors:
                index, rows = next(each for each in segments if chunk["id"] in each[1])
                record["vector"] = index.index.reconstruct(rows[chunk["id"]]).tolist()
            print(json.dumps(record))


if __name__ == "__main__":
    main()
