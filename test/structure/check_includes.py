#!/usr/bin/env python3
"""Fails on an #include that the architecture does not draw: docs/ARCHITECTURE.md, "Arrows"."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# folder -> the folders of core/ that it may include from
ARROWS = {
    "core/base": {"base"},
    "core/text": {"base", "text"},
    "core/model": {"base", "model"},
    "core/net": {"base", "net"},
    "core/store": {"base", "store"},
    "core/search": {"base", "search"},
    "core/pipeline": {"base", "text", "model", "net", "store", "search", "pipeline"},
    "core/serve": {"base", "model", "store", "search", "pipeline", "serve"},
    "cli": {"base", "text", "model", "net", "store", "search", "pipeline", "serve"},
}

# A third-party header stays in the files that wrap it; none shows in a header of ours but json.h.
THIRD_PARTY = {
    r"CLI/": r"cli/(options\.cpp|\w*flags\.(h|cpp))",
    r"torch/|ATen/|c10/": r"core/model/encoder/torch_(allocator|encoder)\.cpp",
    r"faiss/": r"core/store/faiss/\w+\.(h|cpp)",
    r"sqlite3\.h": r"core/store/sqlite\.cpp",
    r"nlohmann/": r"core/base/json\.h",
    r"openssl/": r"core/base/(sha256|git_blob)\.cpp",
    r"microhttpd\.h": r"core/serve/microhttpd_listener\.cpp",
    r"curl/": r"core/net/curl_transport\.cpp",
    r"zlib\.h|zstd\.h": r"core/text/load/compression\.cpp",
    r"gumbo\.h": r"core/text/load/html_text\.cpp",
    r"uchardet/": r"core/text/load/encoding_guess\.cpp",
    r"yaml\.h": r"core/text/load/front_matter\.cpp",
    r"unicode/": r"core/(text|model)/\w+/\w+\.cpp",
    r"pcre2\.h": r"core/text/split/\w+\.cpp",
    r"src/(normalizer|unigram_model)\.h": r"core/model/tokenizer/sentencepiece_tokenizer\.cpp",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def problems_of(path: Path, text: str) -> list[str]:
    name = path.as_posix()
    folder = next(f for f in ARROWS if name.startswith(f + "/"))
    problems = []
    for header in INCLUDE.findall(text):
        place = header.split("/")[0]
        if "/" in header and (ROOT / "core" / place).is_dir() and place not in ARROWS[folder]:
            problems.append(f"{name}: includes {header}: no arrow leads from {folder} to core/{place}")
        for pattern, home in THIRD_PARTY.items():
            if re.match(pattern, header) and not re.fullmatch(home, name):
                problems.append(f"{name}: includes {header}: that belongs to {home}")
    return problems


def self_check() -> None:
    """The check must be able to fail."""
    assert problems_of(Path("core/text/x.cpp"), '#include "store/store.h"')
    assert problems_of(Path("core/store/x.h"), "#include <faiss/IndexFlat.h>")
    assert not problems_of(Path("core/text/x.cpp"), '#include "base/error.h"\n#include <vector>')


def main() -> int:
    self_check()
    files = [p for f in ARROWS for p in sorted((ROOT / f).rglob("*")) if p.suffix in (".h", ".cpp")]
    problems = [line for path in files
                for line in problems_of(path.relative_to(ROOT), path.read_text(encoding="utf-8"))]
    print("\n".join(problems) or f"{len(files)} files: every include follows an arrow")
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main())
