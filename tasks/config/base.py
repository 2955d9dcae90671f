"""What every section of the configuration shares."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class Profile(StrEnum):
    """A named set of models and sizes."""

    embedded = "embedded"
    hub = "hub"
    server = "server"


class PromptForm(StrEnum):
    """How a request for a text is put to the language model."""

    plain = "plain"
    chat = "chat"


class Precision(StrEnum):
    """Arithmetic of training; `auto` takes bf16 where the hardware multiplies it natively."""

    auto = "auto"
    fp32 = "no"
    bf16 = "bf16"
    fp16 = "fp16"


class GeneratorBackend(StrEnum):
    """What samples from the generator; `auto` takes the fastest that does what is asked."""

    auto = "auto"
    torch = "torch"
    vllm = "vllm"
    endpoint = "endpoint"


class GeneratorPrecision(StrEnum):
    """Arithmetic of sampling; `auto` takes what is fastest on the machine at hand."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    int8 = "int8"


def _for_forms(schema: dict[str, Any]) -> None:
    """Add range and position to every option: forms check a range but do not show it.

    A server on Postgres keeps the options of a section in the order of their positions.
    """
    for position, option in enumerate(schema.get("properties", {}).values()):
        option["position"] = position
        rules = {name: value for part in (option, *option.get("anyOf", ())) for name, value in part.items()}
        low = rules.get("minimum", rules.get("exclusiveMinimum"))
        high = rules.get("maximum", rules.get("exclusiveMaximum"))
        if low is not None:
            above = "above " if "exclusiveMinimum" in rules else ""
            below = "below " if "exclusiveMaximum" in rules else ""
            top = "" if high is None else f" to {below}{high:,}"
            option["description"] += f" Range: from {above}{low:,}{top}."


class Config(BaseModel):
    """Base of every section: values cannot change, unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema that forms are made of."""
        # Not `json_schema_extra`: the command line would build every schema to find a description in it.
        schema = handler(core_schema)
        _for_forms(handler.resolve_ref_schema(schema))
        return schema
