#!/usr/bin/env python3
"""A folder's text files loaded and split with LangChain, as its documents show it.

    peer_tree.py DIR    prints the number of documents and of chunks
"""

import sys

from langchain_community.document_loaders import DirectoryLoader, TextLoader
from langchain_text_splitters import CharacterTextSplitter

loader = DirectoryLoader(sys.argv[1], glob="**/*", loader_cls=TextLoader, silent_errors=True,
                         loader_kwargs={"encoding": "utf-8"})
documents = loader.load()
chunks = CharacterTextSplitter(chunk_size=1000, chunk_overlap=0).split_documents(documents)
print(len(documents), len(chunks))
