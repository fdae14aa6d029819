"""Writes an entry into a `.tflite` file's metadata in front of the model, so that the model's own bytes stay as they are. Standard library only.

    header        root offset, TFL3
    block         a new root table: the old one's fields, with one more entry in `buffers` and in `metadata`
    original      the file as it was, to the byte, header included; it starts at a multiple of 64, so that alignment holds

Flatbuffers refer forward only, and by distance: a new root in front can take over everything behind it. Cutting the block off
gives the original back, whatever library reads it, and writing the same entry again must give the same file.
"""

from __future__ import annotations

import struct
from pathlib import Path

from edgeroute.errors import SourceError
from edgeroute_plugins.tflite.flatbuffer import Damaged, Table, Walker
from edgeroute_plugins.tflite.reader import IDENTIFIER

NAME = b"edgeroute.provenance"
ALIGNMENT = 64
VERSION, BUFFERS, METADATA = 0, 4, 6
SLOTS = 8
"""Fields of the schema's Model that this module knows: version, operator_codes, subgraphs, description, buffers, metadata_buffer,
metadata, signature_defs."""
ROOT_VTABLE, ROOT = 8, 28
"""Where the block's first two things stand: 20 bytes of vtable, 36 of table."""
VECTORS = ROOT + 4 + 4 * SLOTS


def stamp(model: Path, out: Path, text: str) -> None:
    """Write `model` with this text as its last metadata entry; SourceError where its layout does not allow that."""
    out.write_bytes(stamped(model.read_bytes(), text))


def unstamp(model: Path, out: Path) -> str:
    """Write the file as it was before `stamp`, and return the text; empty, and nothing is written, where there is no stamp.

    SourceError where a stamp is there but the file is not what `stamp` wrote.
    """
    blob = model.read_bytes()
    text, length = _entry(blob)
    if text is None:
        return ""
    original = blob[length:]
    if not _is_whole(blob, original, text):
        raise SourceError(
            f"{model.name} carries an origin, but it was changed since",
            where=str(model),
            remedy="take the file as edgeroute wrote it, or convert the source again",
            code="stamp-broken",
        )
    out.write_bytes(original)
    return text


def stamped(original: bytes, text: str) -> bytes:
    """The bytes of a stamped file; SourceError where a field would point to the wrong place."""
    try:
        walker = Walker(original)
        root = walker.root()
        _must_be_relocatable(root)
        return _assemble(original, root, text.encode())
    except Damaged as error:
        raise _unfit(str(error)) from error


def _is_whole(blob: bytes, original: bytes, text: str) -> bool:
    try:
        return original[4:8] == IDENTIFIER and stamped(original, text) == blob
    except SourceError:
        return False


def _entry(blob: bytes) -> tuple[str | None, int]:
    """The last entry of our name and where a block that ends with it would end."""
    try:
        root = Walker(blob).root()
        entries = [t for t in root.tables(METADATA) if bytes(t.raw(0)) == NAME]
        if not entries:
            return None, 0
        buffer = root.tables(BUFFERS)[entries[-1].integer(1, "uint32")]
        text = bytes(buffer.raw(0))
        return text.decode(), _up(buffer.pointer(0) + 4 + len(text), ALIGNMENT)
    except (Damaged, IndexError, UnicodeDecodeError) as error:
        raise SourceError(
            f"the file's metadata cannot be read: {error}",
            remedy="take the file as edgeroute wrote it, or convert the source again",
            code="stamp-broken",
        ) from error


def _must_be_relocatable(root: Table) -> None:
    if any(root.at(slot) for slot in range(SLOTS, root.slots)):
        raise _unfit("its root table has fields that this version of edgeroute does not know")
    if any(table.integer(1, "uint64") > 1 for table in root.tables(BUFFERS)):
        raise _unfit("its weights stand behind the model, at places that count from the file's start")
    operators = (o for graph in root.tables(2) for o in graph.tables(3))
    if any(o.at(LARGE_OPTIONS) for o in operators):
        raise _unfit("options of an operator stand behind the model, at places that count from the file's start")


LARGE_OPTIONS = 9
"""Operator.large_custom_options_offset of the schema."""


def _assemble(original: bytes, root: Table, text: bytes) -> bytes:
    """Header, block and original. Sizes first: every place in the block is known before anything is written."""
    buffers, metadata = _targets(root, BUFFERS), _targets(root, METADATA)
    entry = _up(VECTORS + 4 * (1 + len(buffers) + 1) + 4 * (1 + len(metadata) + 1), 4)
    name = entry + 8 + 12
    buffer = _up(name + 4 + len(NAME) + 1, 4)
    data = _up(buffer + 8 + 8 + 4, 16) - 4
    length = _up(data + 4 + len(text), ALIGNMENT)
    block = bytearray(length)
    struct.pack_into("<I4s", block, 0, ROOT, IDENTIFIER)
    _write_root(block, root, length, VECTORS, VECTORS + 4 * (len(buffers) + 2))
    _write_vector(block, VECTORS, [*(p + length for p in buffers), buffer + 8])
    _write_vector(block, VECTORS + 4 * (len(buffers) + 2), [*(p + length for p in metadata), entry + 8])
    struct.pack_into("<4H", block, entry, 8, 12, 4, 8)
    struct.pack_into("<iII", block, entry + 8, 8, name - (entry + 12), len(buffers))
    struct.pack_into(f"<I{len(NAME)}s", block, name, len(NAME), NAME)
    struct.pack_into("<3H", block, buffer, 6, 8, 4)
    struct.pack_into("<iI", block, buffer + 8, 8, data - (buffer + 12))
    struct.pack_into(f"<I{len(text)}s", block, data, len(text), text)
    return bytes(block) + original


def _write_root(block: bytearray, root: Table, shift: int, buffers: int, metadata: int) -> None:
    """The old root's fields, with the distances that they have from here."""
    present = [slot for slot in range(SLOTS) if root.at(slot) or slot in (BUFFERS, METADATA)]
    offsets = [4 + 4 * slot if slot in present else 0 for slot in range(SLOTS)]
    struct.pack_into(f"<{2 + SLOTS}H", block, ROOT_VTABLE, 4 + 2 * SLOTS, 4 + 4 * SLOTS, *offsets)
    struct.pack_into("<i", block, ROOT, ROOT - ROOT_VTABLE)
    ours = {BUFFERS: buffers, METADATA: metadata}
    for slot in present:
        place = ROOT + offsets[slot]
        value = root.integer(slot, "uint32") if slot == VERSION else ours.get(slot, root.pointer(slot) + shift) - place
        struct.pack_into("<I", block, place, value)


def _write_vector(block: bytearray, place: int, targets: list[int]) -> None:
    struct.pack_into("<I", block, place, len(targets))
    for index, target in enumerate(targets):
        here = place + 4 + 4 * index
        struct.pack_into("<I", block, here, target - here)


def _targets(root: Table, slot: int) -> list[int]:
    """Where the tables of a vector stand."""
    return [table.position for table in root.tables(slot)]


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _unfit(reason: str) -> SourceError:
    return SourceError(f"the origin cannot be written into the file: {reason}", remedy="keep it in a file beside", code="stamp-unfit")
