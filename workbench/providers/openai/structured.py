"""How a schema is asked for in the OpenAI protocol.

There are three forms: `response_format: json_schema`, which most servers enforce; `json_object`, with the schema beside
it, where some servers read it, and in the prompt; and the prompt alone.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from workbench.providers.forms import state_schema
from workbench.providers.strictness import narrow_schema

Form = Literal["json_schema", "json_object", "prompt"]
FORMS: tuple[Form, ...] = ("json_schema", "json_object", "prompt")


def make_form(form: Form, schema: str, is_openai: bool) -> tuple[dict[str, Any], str]:
    """Fields of the call, and the end of the prompt, that ask for a value under `schema`."""
    loaded = json.loads(schema)
    if form == "json_schema":
        narrowed = narrow_schema(loaded)
        # Other servers enforce bounds that strict mode at OpenAI does not know: they get the schema as it is.
        strict = narrowed is not None and (is_openai or narrowed == loaded)
        named = {"name": "answer", "schema": narrowed if strict else loaded, "strict": strict}
        return {"response_format": {"type": "json_schema", "json_schema": named}}, ""
    if form == "json_object":
        # OpenAI itself knows no schema here and refuses what it does not know.
        beside = {} if is_openai else {"schema": loaded}
        return {"response_format": {"type": "json_object"} | beside}, state_schema(schema)
    return {}, state_schema(schema)
