"""The schemas in the package say what the nouns are, and what is printed obeys them."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from edgeroute.errors import SourceError
from edgeroute.report import schema
from edgeroute.types import Json, to_json
from tests.core.report import sample

ERROR = SourceError("m.onnx is empty", where="m.onnx", remedy="give a model").as_json()
CHECK = to_json(sample.VALIDATION)
OBJECTS: dict[str, Json] = {
    "convert": to_json(sample.RESULT),
    "plan": {**to_json(sample.PLAN), "environments": sample.STATES},
    "check": {"ok": True, **CHECK},
    "inspect": to_json(sample.RESULT.artifact),
    "list-formats": to_json(list(sample.CATALOG.formats.values())),
    "list-targets": to_json(list(sample.CATALOG.targets.values())),
    "error": {"error": ERROR},
}


@pytest.mark.parametrize("kind", schema.KINDS)
def test_files_are_what_the_nouns_say(kind: str) -> None:
    written = (schema.FOLDER / f"{kind}.json").read_text(encoding="utf-8")
    assert written == schema.text(kind), "a noun has changed: run `python -m edgeroute.report.schema`"


def test_no_file_is_left_over() -> None:
    assert {p.stem for p in schema.FOLDER.glob("*.json")} == set(schema.KINDS)


@pytest.mark.parametrize("kind", schema.KINDS)
def test_schemas_are_sound(kind: str) -> None:
    Draft202012Validator.check_schema(schema.schema(kind))


@pytest.mark.parametrize("kind", OBJECTS)
def test_objects_obey(kind: str) -> None:
    Draft202012Validator(schema.schema(kind)).validate(OBJECTS[kind])


@pytest.mark.parametrize("kind", [k for k in OBJECTS if isinstance(OBJECTS[k], dict)])
def test_a_missing_key_is_noticed(kind: str) -> None:
    for key in schema.schema(kind).get("required", []):
        broken = {k: v for k, v in OBJECTS[kind].items() if k != key}
        assert not Draft202012Validator(schema.schema(kind)).is_valid(broken)


def test_field_docs_become_descriptions() -> None:
    finding = schema.schema("check")["$defs"]["Finding"]
    assert finding["properties"]["where"]["description"].startswith("Operator or tensor by name")
    assert finding["properties"]["severity"]["enum"] == ["error", "warning", "tip"]
