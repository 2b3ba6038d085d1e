#!/usr/bin/env python3
"""Records the self-test of a published checkpoint in core/model/known_checkpoints.json.

    record_checkpoint.py MODEL_DIR

MODEL_DIR is what trace_encoder.py made. A vecdb built afterwards proves the same checkpoint with
these vectors when it makes it a model itself, without Python.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from trace_encoder import PROJECT, PROGRAM

KNOWN = PROJECT / "core" / "model" / "known_checkpoints.json"


def fingerprint_of(folder: Path) -> str:
    with tempfile.TemporaryDirectory() as home:
        Path(home, "models").mkdir()
        Path(home, "models", folder.name).symlink_to(folder.absolute())
        shown = subprocess.run([PROGRAM, "model", "show", folder.name, "--json"], check=True,
                               capture_output=True, env=os.environ | {"VECDB_HOME": home})
    return json.loads(shown.stdout)["fingerprint"]


def main() -> int:
    folder = Path(sys.argv[1])
    manifest = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    known = json.loads(KNOWN.read_text(encoding="utf-8"))
    known = {key: entry for key, entry in known.items() if entry["name"] != manifest["name"]}
    known[fingerprint_of(folder)] = {"name": manifest["name"], "self_test": manifest["self_test"]}
    KNOWN.write_text(json.dumps(known, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
