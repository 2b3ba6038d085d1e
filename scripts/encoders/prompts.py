"""The words that a model wants before a question and before a stored passage."""

import re
from pathlib import Path

from .checkpoint import Refused, front_matter, read_card, read_json

E5 = re.compile(r"(?<![a-z0-9])e5(?![a-z0-9])", re.IGNORECASE)


def titles(source: Path) -> list[str]:
    """How the model card calls the model: its first heading, and the model-index's name."""
    front = front_matter(source)
    names = [line for line in front if re.match(r"\s*-?\s*name:", line)][:1]
    body = read_card(source)[len(front):]
    return names + [line for line in body if line.startswith("#")][:1]


def is_e5(source: Path, config: dict, name: str) -> bool:
    """Whether it is of the E5 family (arXiv:2212.03533), which is useless without prefixes."""
    said = [name, source.resolve().name, str(config.get("_name_or_path", "")), *titles(source)]
    return any(E5.search(text) for text in said)


def one_of(prompts: dict, names: tuple[str, ...], path: Path) -> str:
    texts = {prompts[name] for name in names if prompts.get(name)}
    if len(texts) > 1:
        raise Refused(f"{path}: prompts: {' and '.join(names)} differ")
    return texts.pop() if texts else ""


def read_prefixes(source: Path, config: dict, name: str, query: str | None,
                  passage: str | None) -> tuple[str, str]:
    """query_prefix and passage_prefix: of the checkout's prompts, else as given (None: not given)."""
    path = source / "config_sentence_transformers.json"
    prompts = (read_json(path).get("prompts") or {}) if path.exists() else {}
    prefixes = []
    for flag, given, names in (("--query-prefix", query, ("query",)),
                               ("--passage-prefix", passage, ("passage", "document"))):
        said = one_of(prompts, names, path)
        if said and given is not None and given != said:
            raise Refused(f"{path}: prompts say {said!r}, {flag} says {given!r}")
        prefixes.append(said or given or "")
    if query is None and passage is None and not any(prefixes) and is_e5(source, config, name):
        raise Refused(f"{source}: is an E5 model, which needs prefixes, and says none; its authors' "
                      "are --query-prefix 'query: ' --passage-prefix 'passage: '")
    return prefixes[0], prefixes[1]
