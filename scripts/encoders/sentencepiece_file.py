"""The little that is needed of a SentencePiece model file: its pieces and its normalisation table.

The file is a protocol buffer (sentencepiece_model.proto): ModelProto has pieces = 1 (piece = 1,
score = 2), trainer_spec = 2 (model_type = 3, 1 for Unigram) and normalizer_spec = 3
(precompiled_charsmap = 2).
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from .checkpoint import Refused

UNIGRAM = 1


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and content of each field; a float's content is its four bytes."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = read_varint(data, at)
        else:
            size, at = read_varint(data, at) if wire == 2 else ({1: 8, 5: 4}[wire], at)
            value, at = data[at:at + size], at + size
            if at > len(data):
                raise ValueError("ends within a field")
        yield number, value


def read(path: Path) -> tuple[list[tuple[str, float]], bytes]:
    """The pieces with their scores, in the order of their ids, and the table (may be empty)."""
    pieces, table, model_type = [], b"", UNIGRAM
    try:
        for number, value in fields(path.read_bytes()):
            if number == 1:
                piece = dict(fields(value))
                pieces.append((piece[1].decode("utf-8"), struct.unpack("<f", piece.get(2, bytes(4)))[0]))
            elif number == 2:
                model_type = dict(fields(value)).get(3, UNIGRAM)
            elif number == 3:
                table = dict(fields(value)).get(2, b"")
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, struct.error) as error:
        raise Refused(f"{path}: is not a SentencePiece model: {error}") from error
    if model_type != UNIGRAM:
        raise Refused(f"{path}: its model_type is {model_type}; only Unigram is known here")
    return pieces, table
