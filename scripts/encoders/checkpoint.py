"""Reading a Hugging Face checkout on disk. What it does not say, or says unknown, is Refused."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

WEIGHTS = "model.safetensors"
DTYPES = ("F32", "F16", "BF16")


class Refused(Exception):
    """The checkout is not something that is known here; the message says what and where."""


def read_json(path: Path):
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(f"{path}: cannot be read: {error}") from error


def require(config: dict, key: str, path: Path):
    if key not in config:
        raise Refused(f"{path}: has no {key!r}; the checkout must say it")
    return config[key]


def expect(config: dict, path: Path, **wanted) -> None:
    for key, value in wanted.items():
        found = require(config, key, path)
        if found != value:
            raise Refused(f"{path}: {key} is {found!r}; only {value!r} is known here")


def read_pooling(path: Path, hidden: int) -> str:
    """"mean" or "cls", from 1_Pooling/config.json in either of sentence-transformers' spellings."""
    config = read_json(path)
    width = "embedding_dimension" if "embedding_dimension" in config else "word_embedding_dimension"
    expect(config, path, **{width: hidden})
    if config.get("include_prompt", True) is not True:
        raise Refused(f"{path}: include_prompt is {config['include_prompt']!r}; only true is known here")
    if "pooling_mode" in config:
        modes = config["pooling_mode"]
        modes = modes if isinstance(modes, list) else [modes]
    else:
        modes = [key for key, on in config.items() if key.startswith("pooling_mode_") and on]
    known = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls",
             "mean": "mean", "cls": "cls"}
    if len(modes) != 1 or modes[0] not in known:
        raise Refused(f"{path}: the pooling {modes} is not known here")
    return known[modes[0]]


def read_pipeline(source: Path, hidden: int) -> tuple[str, bool]:
    """Pooling, and whether vectors are normalised, as modules.json and its modules say."""
    path = source / "modules.json"
    modules = read_json(path)
    kinds = [require(module, "type", path).rsplit(".", 1)[-1] for module in modules]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise Refused(f"{path}: the pipeline {kinds} is not known here")
    folder = source / require(modules[1], "path", path)
    return read_pooling(folder / "config.json", hidden), kinds[-1] == "Normalize"


def read_window(source: Path, positions: int, architecture: str) -> int:
    """Tokens that the encoder sees of a text.

    JinaBERT's checkouts need not say it: nothing in the architecture bounds a text, and
    max_position_embeddings is the length that was meant.
    """
    path = source / "sentence_bert_config.json"
    config = read_json(path) if path.exists() else {}
    if architecture.startswith("jina-bert") and config.get("max_seq_length") is None:
        return positions
    window = require(config, "max_seq_length", path)
    if type(window) is not int or not 3 <= window <= positions:
        raise Refused(f"{path}: max_seq_length {window!r} is not in 3 … {positions}")
    return window


def read_licence(source: Path) -> str:
    """The licence that the model card's front matter names; for people, checked by nothing."""
    for line in front_matter(source):
        if line.startswith("license:"):
            return line.partition(":")[2].strip()
    return "not stated"


def read_card(source: Path) -> list[str]:
    readme = source / "README.md"
    return readme.read_text(encoding="utf-8").splitlines() if readme.exists() else []


def front_matter(source: Path) -> list[str]:
    lines = read_card(source)
    return lines[1:lines.index("---", 1)] if lines[:1] == ["---"] and "---" in lines[1:] else []


def tensor_names(source: Path) -> set[str]:
    path = source / WEIGHTS
    try:
        with safe_open(path, framework="pt") as weights:
            return set(weights.keys())
    except (OSError, SafetensorError) as error:
        raise Refused(f"{path}: cannot be read: {error}") from error


def load_weights(module: torch.nn.Module, source: Path, ignored: set[str], architecture: str) -> dict:
    """The checkpoint's tensors into the module: exactly its parameters, by name and shape.

    Returns dtype and shape of each, as the file has them.
    """
    path = source / WEIGHTS
    parameters = dict(module.named_parameters())
    found = tensor_names(source) - ignored
    missing, extra = sorted(parameters.keys() - found), sorted(found - parameters.keys())
    if missing or extra:
        raise Refused(f"{path}: is not the {architecture} that config.json describes: {len(missing)} "
                      f"tensors missing {missing[:3]}, {len(extra)} that it does not have {extra[:3]}")
    tensors = {}
    with safe_open(path, framework="pt") as weights:
        for name, parameter in parameters.items():
            dtype, tensor = weights.get_slice(name).get_dtype(), weights.get_tensor(name)
            if tensor.shape != parameter.shape:
                raise Refused(f"{path}: {name}: shape {list(tensor.shape)}, not {list(parameter.shape)}")
            if dtype not in DTYPES:
                raise Refused(f"{path}: {name}: dtype {dtype} is not known here")
            if not torch.isfinite(tensor).all():
                raise Refused(f"{path}: {name}: holds a value that is not finite")
            tensors[name] = {"dtype": dtype, "shape": list(tensor.shape)}
            parameter.data = tensor.to(torch.float32)
    return tensors
