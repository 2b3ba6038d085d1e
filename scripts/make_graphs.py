#!/usr/bin/env python3
"""Writes the TorchScript graph of each encoder that vecdb knows: one an architecture, of any size.

    make_graphs.py OUT.cpp

The build runs this; OUT.cpp defines embedded_graph() of core/model/embedded_graphs.h. A graph holds no weights and no sizes; both are handed to it with the tokens. The same sources and the
same PyTorch give the same bytes.
"""

import io
import sys
import zipfile
from pathlib import Path

import torch

from graphs.bert import encode_bert
from graphs.jina_bert import encode_jina_bert, encode_jina_bert_qk_norm
from graphs.jina_v3 import encode_jina_v3, encode_jina_v3_plain
from graphs.sentence_encoder import SentenceEncoder

GRAPHS = {
    "bert": encode_bert,
    "jina-bert": encode_jina_bert,
    "jina-bert-qk-norm": encode_jina_bert_qk_norm,
    "jina-v3": encode_jina_v3,
    "jina-v3-plain": encode_jina_v3_plain,
}


def archive_of(module: torch.nn.Module) -> bytes:
    """The module as a TorchScript archive, without what tells where its sources lay."""
    saved, out = io.BytesIO(), io.BytesIO()
    torch.jit.save(torch.jit.script(module), saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(out, "w") as archive:
        for name in source.namelist():
            if not name.endswith((".debug_pkl", "/serialization_id")):
                # A fixed date, and stored as it is: what the loader reads is not compressed.
                archive.writestr(zipfile.ZipInfo(name), source.read(name))
    return out.getvalue()


def byte_array(content: bytes) -> str:
    lines = (content[i:i + 24] for i in range(0, len(content), 24))
    return "\n".join("    " + "".join(f"{byte}," for byte in line) for line in lines)


def source_of(archives: dict[str, bytes]) -> str:
    arrays = "\n".join(f"// {name}\nconstexpr unsigned char k_graph_{i}[] = {{\n{byte_array(content)}\n}};"
                       for i, (name, content) in enumerate(archives.items()))
    entries = "\n".join(f'      {{"{name}", std::as_bytes(std::span(k_graph_{i}))}},'
                        for i, name in enumerate(archives))
    return f"""// Written by scripts/make_graphs.py with PyTorch {torch.__version__}.

#include "model/encoder/embedded_graphs.h"

#include <map>

namespace vecdb {{

namespace {{

{arrays}

}}  // namespace

std::span<const std::byte> embedded_graph(std::string_view name) {{
  static const std::map<std::string_view, std::span<const std::byte>> graphs = {{
{entries}
  }};
  return graphs.at(name);
}}

}}  // namespace vecdb
"""


def main() -> int:
    archives = {name: archive_of(SentenceEncoder(encode)) for name, encode in GRAPHS.items()}
    Path(sys.argv[1]).write_text(source_of(archives), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
