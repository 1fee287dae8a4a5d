"""The collector as OpenAPI 3.1 describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingestion.collector.schema import VERSION, EventSchema
from ingestion.collector.settings import Settings

_INDEX = {"type": "integer", "minimum": 0, "description": "Its place in the batch, counted from 0."}


def description(schemas: Mapping[str, EventSchema], settings: Settings) -> dict[str, Any]:
    """The document. The events' schemas are those that events are held against."""
    names = {version: f"Event_{version}" for version in schemas}
    keys: list[dict[str, list[str]]] = [{"header": []}, {"parameter": []}]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Majakka event collector",
            "version": list(schemas)[-1],
            "description": "Takes what people do on a site, and acknowledges it when it cannot be lost any more.",
        },
        "paths": {
            "/v1/events": {
                "post": {
                    "operationId": "sendEvents",
                    "summary": "Send an event, or a batch of them",
                    "description": (
                        "An event is refused, too, if its times are off by more than "
                        f"{settings.oldest_days:g} days into the past or {settings.newest_hours:g} hours into the "
                        f"future, or if it has more than {settings.event_kilobytes:g} KiB. Text is measured in bytes "
                        "(maxBytes) and has no NUL; free JSON nests at most so deep (maxDepth). Send the same event_id "
                        "again after a 503, a 429, or no answer: nothing is counted twice."
                    ),
                    "security": keys,
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Body"}},
                            "text/plain": {
                                "schema": {
                                    "type": "string",
                                    "description": "The same, for beacons.",
                                    "contentMediaType": "application/json",
                                    "contentSchema": {"$ref": "#/components/schemas/Body"},
                                }
                            },
                        },
                    },
                    "responses": {
                        "200": _json("Every event is safe.", "Taken"),
                        "207": _json("Some events are safe; the others are wrong, and will be.", "Taken"),
                        "400": _json("The body is not JSON, or broke off.", "Refusal"),
                        "401": _json("The write key is missing or unknown.", "Refusal"),
                        "403": _json("Pages of this origin may not send.", "Refusal"),
                        "408": _json("The body came too slowly.", "Refusal"),
                        "413": _json("The body or the batch is too large.", "Refusal"),
                        "415": _json("The body is of another content type.", "Refusal"),
                        "422": _json("No event is right.", "Taken"),
                        "429": _later("The site sends more events a second than it may."),
                        "503": _later("Nothing was kept: there is no room for it now."),
                    },
                },
                "options": {
                    "operationId": "mayPageSend",
                    "summary": "A page's preflight request",
                    "security": [],
                    "parameters": [{"name": "Origin", "in": "header", "required": False, "schema": {"type": "string"}}],
                    "responses": {
                        "204": {"description": "Pages of this origin may send."},
                        "403": _json("Pages of this origin may not send.", "Refusal"),
                    },
                },
            },
            "/v1/pixel.gif": {
                "get": {
                    "operationId": "sendPixel",
                    "summary": "Send an event as the query of an image",
                    "description": f"Without {VERSION} it is of the newest version, without occurred_at of now.",
                    "security": keys,
                    "parameters": _parameters(schemas),
                    "responses": {
                        "200": {
                            "description": "The event is safe.",
                            "content": {"image/gif": {"schema": {"type": "string", "contentEncoding": "binary"}}},
                        },
                        "400": _json("The query is not one.", "Refusal"),
                        "401": _json("The write key is missing or unknown.", "Refusal"),
                        "403": _json("Pages of this origin may not send.", "Refusal"),
                        "422": _json("The event is wrong.", "Taken"),
                        "429": _later("The site sends more events a second than it may."),
                        "503": _later("Nothing was kept: there is no room for it now."),
                    },
                }
            },
            "/health": {
                "get": {
                    "operationId": "health",
                    "summary": "Whether events can be taken",
                    "security": [],
                    "responses": {"200": _json("They can.", "Health"), "503": _json("They cannot.", "Health")},
                }
            },
            "/health/live": {
                "get": {
                    "operationId": "live",
                    "summary": "Whether the process answers",
                    "security": [],
                    "responses": {"200": _json("It does.", "Live")},
                }
            },
            "/metrics": {
                "get": {
                    "operationId": "metrics",
                    "summary": "For Prometheus",
                    "security": [],
                    "responses": {
                        "200": {"description": "Text.", "content": {"text/plain": {"schema": {"type": "string"}}}}
                    },
                }
            },
            "/openapi.json": {
                "get": {
                    "operationId": "description",
                    "summary": "This document",
                    "security": [],
                    "responses": {
                        "200": {
                            "description": "OpenAPI 3.1.",
                            "content": {"application/json": {"schema": {"type": "object"}}},
                        }
                    },
                }
            },
        },
        "components": {
            "securitySchemes": {
                "header": {"type": "apiKey", "in": "header", "name": "X-Write-Key"},
                "parameter": {"type": "apiKey", "in": "query", "name": "write_key"},
            },
            "schemas": {
                **{name: _without_address(schemas[version].document) for version, name in names.items()},
                "Event": {
                    "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in names.values()],
                    "discriminator": {
                        "propertyName": VERSION,
                        "mapping": {version: f"#/components/schemas/{name}" for version, name in names.items()},
                    },
                },
                "Body": {
                    "oneOf": [
                        {"$ref": "#/components/schemas/Event"},
                        {
                            "type": "array",
                            "items": {"$ref": "#/components/schemas/Event"},
                            "minItems": 1,
                            "maxItems": settings.batch_events,
                        },
                    ]
                },
                "Taken": {
                    "type": "object",
                    "required": ["accepted"],
                    "additionalProperties": False,
                    "properties": {
                        "accepted": {"type": "integer", "minimum": 0, "description": "How many events are safe."},
                        "new_ids": {
                            "type": "array",
                            "description": "The identities of events that came without one.",
                            "items": {
                                "type": "object",
                                "required": ["index", "event_id"],
                                "additionalProperties": False,
                                "properties": {"index": _INDEX, "event_id": {"type": "string"}},
                            },
                        },
                        "rejected": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "required": ["index", "path", "rule", "reason"],
                                "additionalProperties": False,
                                "properties": {
                                    "index": _INDEX,
                                    "path": {"type": "string", "description": "Where in the event, as a JSONPath."},
                                    "rule": {"type": "string", "description": "What it breaks, for programs."},
                                    "reason": {"type": "string", "description": "What is wrong, for people."},
                                },
                            },
                        },
                    },
                },
                "Refusal": {
                    "type": "object",
                    "required": ["error", "reason"],
                    "additionalProperties": False,
                    "properties": {
                        "error": {"type": "string", "description": "What is wrong, for programs."},
                        "reason": {"type": "string", "description": "What is wrong and what to do, for people."},
                    },
                },
                "Health": {
                    "type": "object",
                    "required": ["live", "ready", "stream", "spool_bytes"],
                    "additionalProperties": False,
                    "properties": {
                        "live": {"type": "boolean"},
                        "ready": {"type": "boolean"},
                        "stream": {"enum": ["direct", "spooling"]},
                        "spool_bytes": {"type": "integer", "minimum": 0},
                    },
                },
                "Live": {"type": "object", "required": ["live"], "properties": {"live": {"type": "boolean"}}},
            },
        },
    }


def _json(told: str, schema: str) -> dict[str, Any]:
    return {
        "description": told,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


def _later(told: str) -> dict[str, Any]:
    seconds = {"description": "Seconds to wait.", "required": True, "schema": {"type": "integer", "minimum": 1}}
    return {**_json(told, "Refusal"), "headers": {"Retry-After": seconds}}


def _without_address(document: Mapping[str, Any]) -> dict[str, Any]:
    """A schema as a part of a larger document."""
    return {key: value for key, value in document.items() if key not in ("$schema", "$id")}


def _parameters(schemas: Mapping[str, EventSchema]) -> list[dict[str, Any]]:
    """The fields of the newest version that a query can say."""
    newest = list(schemas.values())[-1].document
    optional = {VERSION, "occurred_at"}
    found = []
    for name, described in newest["properties"].items():
        types = described["type"] if isinstance(described["type"], list) else [described["type"]]
        if "object" in types:
            continue
        schema = {key: value for key, value in described.items() if key != "description"}
        found.append(
            {
                "name": name,
                "in": "query",
                "description": described["description"],
                "required": name in newest["required"] and name not in optional,
                # a query has no null
                "schema": {**schema, "type": types[0]},
            }
        )
    return found
