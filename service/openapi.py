"""The OpenAPI document, completed by the body that our own reader takes instead of FastAPI's."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel

__all__ = ["complete_openapi", "request_body"]

_REF: Final = "#/components/schemas/"


def request_body(model: type[BaseModel]) -> dict[str, Any]:
    """The `openapi_extra` of a route whose JSON body is this model."""
    # Any: OpenAPI fragments are FastAPI's, and typed so by it.
    schema = {"$ref": _REF + model.__name__}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def complete_openapi(app: FastAPI, *models: type[BaseModel]) -> None:
    """Have the document define these models beside those that FastAPI finds by itself."""
    found = app.openapi

    def openapi() -> dict[str, Any]:
        document = found()
        schemas = document["components"]["schemas"]
        for model in models:
            schema = model.model_json_schema(ref_template=_REF + "{model}")
            schemas |= schema.pop("$defs", {})
            schemas[model.__name__] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI documents this very assignment
