"""The JSON Schema of an instance file, for completion and checks in an editor."""

from __future__ import annotations

from typing import Any

from ailis_opt.schema.header import Header
from ailis_opt.schema.registry import TABLES


def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of an instance file: the header, and every table optionally inline as a list of rows."""
    template = "#/$defs/{model}"
    document = Header.model_json_schema(ref_template=template)
    definitions: dict[str, Any] = document.setdefault("$defs", {})
    for name, table in TABLES.items():
        row = table.row.model_json_schema(ref_template=template)
        definitions.update(row.pop("$defs", {}))
        definitions[table.row.__name__] = row
        document["properties"][name] = {
            "type": "array",
            "description": f"table {name}, where it is no file of its own",
            "items": {"$ref": f"#/$defs/{table.row.__name__}"},
        }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **document, "title": "ailis-opt instance"}
