#!/usr/bin/env python3
"""Makes a small database of Chroma in a folder, as LangChain writes it: for test/data/chroma_*.tar.gz.

Run it with a Python that has chromadb (0.5 or 1.x) and numpy: make_chroma.py DIR
"""

import sys

import chromadb
import numpy

DIMENSION = 384


def vectors(count: int, seed: int):
    drawn = numpy.random.default_rng(seed).standard_normal((count, DIMENSION)).astype("float32")
    return (drawn / numpy.linalg.norm(drawn, axis=1, keepdims=True)).tolist()


client = chromadb.PersistentClient(sys.argv[1])
passages = client.create_collection("langchain", embedding_function=None)
passages.add(
    ids=["tea-1", "bridge-1", "tea-2", "alone", "gone"],
    documents=["Tea is hot.", "The bridge opens — at “noon”.", "Coffee is hotter.", "No source.",
               "Deleted later."],
    metadatas=[{"source": "tea.txt", "page": 1, "score": 0.5, "ok": True},
               {"source": "bridge.txt", "ok": False},
               {"source": "tea.txt", "page": 2, "big": 9007199254740993},
               {"kind": "note"}, {"source": "tea.txt"}],
    embeddings=vectors(5, 1))
passages.delete(ids=["gone"])
passages.upsert(ids=["alone"], documents=["No source, changed."], metadatas=[{"kind": "letter"}],
                embeddings=vectors(1, 2))
other = client.create_collection("other", embedding_function=None)
other.add(ids=["x", "empty"], embeddings=vectors(2, 3), documents=["Two words.", ""])
