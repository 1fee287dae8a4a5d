"""The versions of the event, from their JSON Schemas to what msgspec decodes in one pass.

A schema is the one place where a version is described. Its file is named after its SchemaVer (`1-0-2.json`), and what
is read from it are these keywords, of which the last two are ours:

    type, enum, const, format (date-time; ipv4 or ipv6 as anyOf), minLength, maxLength, minimum, maximum,
    exclusiveMaximum, multipleOf, required, additionalProperties: false, allOf of if/then for required
    maxBytes    of a text, what the warehouse's `varchar(n)` holds: so many bytes of UTF-8, and no NUL
    maxDepth    of free JSON, how deep it may nest; there is no NUL in it either, and whole numbers have 64 bits at most

A keyword that is not known here is an error when the collector starts, so that no schema says more than is held.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property, partial
from ipaddress import ip_address
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

SCHEMAS = Path(__file__).with_name("schemas") / "event"
VERSION = "schema_version"

NOTHING = msgspec.Raw(b"")
"""A number that was not given. Numbers are kept as they are written, because a float would round an amount."""

_NUMBER_STARTS = b"-0123456789"
_WORDS = frozenset({"description"})
_DOCUMENT_WORDS = frozenset(
    {"$schema", "$id", "title", "description", "type", "required", "additionalProperties", "properties", "allOf"}
)


class Refused(Exception):  # noqa: N818 - a verdict, not a failure of ours
    """An event does not keep its schema.

    Attributes:
        path: where, as a JSONPath.
        rule: what it breaks, for grouping.
        reason: a sentence for people.
    """

    def __init__(self, path: str, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.rule = rule
        self.reason = reason


class Moment(NamedTuple):
    """What the rules have to know about the request.

    Attributes:
        earliest: no event of an honest clock happened before.
        latest: nor after.
        is_plain: every character of every text is one byte, and none is NUL.
    """

    earliest: datetime
    latest: datetime
    is_plain: bool


Check = Callable[[str, Any, Moment], Any]
"""Takes a field's name and value; gives the value in the form in which it goes on, or raises `Refused`."""


@dataclass(frozen=True)
class EventSchema:
    """One version of the event.

    Attributes:
        version: its SchemaVer.
        document: the JSON Schema.
        struct: what msgspec makes of an event: types, lengths, bounds, required and unknown fields are its business.
        times: the fields that are times.
        checks: of other fields that have more rules, the name, the value that stands for none, and the check.
        required_when: a field, a value of it, and the field that must be there then.
        texts: the longest that texts may be, in bytes.
    """

    version: str
    document: Mapping[str, Any]
    struct: type[msgspec.Struct]
    times: tuple[str, ...]
    checks: tuple[tuple[str, Any, Check], ...]
    required_when: tuple[tuple[str, str, str], ...]
    texts: Mapping[str, int]

    def check(self, event: Any, moment: Moment) -> None:
        """Holds a decoded event against the rules that msgspec has no word for, and tidies its values.

        Raises:
            Refused: it breaks one.
        """
        earliest, latest, is_plain = moment
        for at in self._times_of(event):
            if at is not None and not earliest <= at <= latest:
                _refuse_time(self.times, event, moment)
        # most events have nothing here, and one comparison tells
        if self._checked_of(event) != self._nothing:
            for name, nothing, check in self.checks:
                value = getattr(event, name)
                if value is not nothing:
                    kept = check(name, value, moment)
                    if kept is not value:
                        setattr(event, name, kept)
        for name, value, wanted in self.required_when:
            if getattr(event, name) == value and getattr(event, wanted) is None:
                raise Refused(f"$.{wanted}", "required", f"{wanted} is missing, and required when {name} is {value!r}")
        # msgspec counts characters; where each is one byte there is nothing to count
        if not is_plain:
            for name, limit in self.texts.items():
                text: str | None = getattr(event, name)
                if text is not None:
                    _check_text(name, text, limit)

    @cached_property
    def _times_of(self) -> Callable[[Any], tuple[datetime | None, ...]]:
        return _getter(self.times)

    @cached_property
    def _checked_of(self) -> Callable[[Any], tuple[Any, ...]]:
        return _getter([name for name, _, _ in self.checks])

    @cached_property
    def _nothing(self) -> tuple[Any, ...]:
        return tuple(nothing for _, nothing, _ in self.checks)


def load(folder: Path = SCHEMAS) -> dict[str, EventSchema]:
    """Every version in a folder, the oldest first.

    Raises:
        ValueError: a schema says something that this module does not know, or there is none.
    """
    schemas = [compiled(path.stem, msgspec.json.decode(path.read_bytes())) for path in folder.glob("*.json")]
    if not schemas:
        raise ValueError(f"{folder} has no schema")
    return {schema.version: schema for schema in sorted(schemas, key=lambda schema: _order(schema.version))}


def compiled(version: str, document: Mapping[str, Any]) -> EventSchema:
    """A schema made ready.

    Raises:
        ValueError: it says something that this module does not know.
    """
    _only(version, document, _DOCUMENT_WORDS)
    properties: Mapping[str, Mapping[str, Any]] = document["properties"]
    if document.get("type") != "object" or document.get("additionalProperties") is not False:
        raise ValueError(f"{version}: an event is an object without additionalProperties")
    if properties[VERSION].get("const") != version:
        raise ValueError(f"{version}: the const of {VERSION} must be the name of the file")
    fields: list[Any] = []
    times: list[str] = []
    checks: list[tuple[str, Any, Check]] = []
    for name, described in properties.items():
        if name == VERSION:
            continue
        is_required = name in document["required"]
        kind, check = _field(f"{version}: {name}", described, is_required)
        nothing = NOTHING if kind is msgspec.Raw else None
        fields.append((name, kind) if is_required else (name, kind, nothing))
        if described.get("format") == "date-time":
            times.append(name)
        if check:
            checks.append((name, nothing, check))
    texts = {name: described["maxBytes"] for name, described in properties.items() if "maxBytes" in described}
    required_when = tuple(_condition(version, condition) for condition in document.get("allOf", ()))
    struct = msgspec.defstruct(
        f"Event_{version.replace('-', '_')}",
        fields,
        tag_field=VERSION,
        tag=version,
        kw_only=True,
        omit_defaults=True,
        forbid_unknown_fields=True,
        # what JSON gives has no cycles
        gc=False,
    )
    return EventSchema(version, document, struct, tuple(times), tuple(checks), required_when, texts)


def _order(version: str) -> tuple[int, ...]:
    if not re.fullmatch(r"[0-9]+-[0-9]+-[0-9]+", version):
        raise ValueError(f"{version!r} is no SchemaVer: MODEL-REVISION-ADDITION")
    return tuple(map(int, version.split("-")))


def _only(where: str, described: Mapping[str, Any], known: frozenset[str]) -> None:
    if strange := sorted(described.keys() - known - _WORDS):
        raise ValueError(f"{where}: the collector does not know {', '.join(strange)}")


def _field(where: str, described: Mapping[str, Any], is_required: bool) -> tuple[Any, Check | None]:
    """The type that msgspec decodes, and what has to be checked then."""
    types = described["type"]
    kind = types if is_required else types[0]
    if (isinstance(types, str)) != is_required or (not is_required and types != [kind, "null"]):
        raise ValueError(f"{where}: a required field has one type, any other may be null")
    makers = {"string": _string, "number": _number, "integer": _integer, "object": _object}
    if kind not in makers:
        raise ValueError(f"{where}: the collector does not know the type {kind}")
    made, check = makers[kind](where, {key: value for key, value in described.items() if key != "type"})
    return (made if is_required or made is msgspec.Raw else made | None), check


def _string(where: str, described: Mapping[str, Any]) -> tuple[Any, Check | None]:
    if "enum" in described:
        _only(where, described, frozenset({"enum"}))
        return Literal[tuple(described["enum"])], None
    if "format" in described:
        _only(where, described, frozenset({"format"}))
        if described["format"] != "date-time":
            raise ValueError(f"{where}: the collector does not know the format {described['format']}")
        return Annotated[datetime, msgspec.Meta(tz=True)], None
    if "anyOf" in described:
        _only(where, described, frozenset({"anyOf"}))
        if described["anyOf"] != [{"format": "ipv4"}, {"format": "ipv6"}]:
            raise ValueError(f"{where}: the collector knows anyOf for addresses only")
        return str, _check_address
    _only(where, described, frozenset({"minLength", "maxLength", "maxBytes"}))
    limits = msgspec.Meta(min_length=described.get("minLength"), max_length=described["maxLength"])
    return Annotated[str, limits], None


def _number(where: str, described: Mapping[str, Any]) -> tuple[Any, Check]:
    _only(where, described, frozenset({"minimum", "exclusiveMaximum", "multipleOf"}))
    low, high, step = (Decimal(str(described[key])) for key in ("minimum", "exclusiveMaximum", "multipleOf"))
    return msgspec.Raw, partial(_check_decimal, low, high, step)


def _integer(where: str, described: Mapping[str, Any]) -> tuple[Any, Check]:
    _only(where, described, frozenset({"minimum", "maximum"}))
    # 5.0 is a whole number to JSON Schema
    return Annotated[float, msgspec.Meta(ge=described["minimum"], le=described["maximum"])], _check_whole


def _object(where: str, described: Mapping[str, Any]) -> tuple[Any, Check]:
    _only(where, described, frozenset({"maxDepth"}))
    return dict[str, Any], partial(_check_json, described["maxDepth"])


def _condition(version: str, described: Mapping[str, Any]) -> tuple[str, str, str]:
    """`if` a field has a value, `then` another is required."""
    try:
        ((name, const),) = described["if"]["properties"].items()
        (wanted,) = described["then"]["required"]
        value = const["const"]
    except (KeyError, ValueError, TypeError):
        name = wanted = value = ""
    # what is required may not be null, and the standard has no shorter way to say it
    if described != {
        "if": {"properties": {name: {"const": value}}, "required": [name]},
        "then": {"required": [wanted], "properties": {wanted: {"type": "string"}}},
    }:
        raise ValueError(f"{version}: the collector knows allOf for a text that a value of another field requires")
    return name, value, wanted


def _getter(names: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    """What takes some fields of an event at once."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda event: tuple(getattr(event, name) for name in names)


def _refuse_time(names: Sequence[str], event: Any, moment: Moment) -> None:
    for name in names:
        value: datetime | None = getattr(event, name)
        if value is None or moment.earliest <= value <= moment.latest:
            continue
        bound = f"before {moment.earliest:%Y-%m-%d}" if value < moment.earliest else f"after {moment.latest:%Y-%m-%d}"
        raise Refused(f"$.{name}", "clock", f"{name} {value.isoformat()} is {bound}: the sender's clock is wrong")


def _check_address(name: str, value: str, _: Moment) -> str:
    if not is_address(value):
        raise Refused(f"$.{name}", "address", f"{name} is no address of IPv4 or IPv6")
    return value


def is_address(text: str) -> bool:
    """Whether this is an address of IPv4 or IPv6, without a zone."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _check_decimal(low: Decimal, high: Decimal, step: Decimal, name: str, value: msgspec.Raw, _: Moment) -> msgspec.Raw:
    raw = bytes(value)
    if raw == b"null":
        return NOTHING
    if raw[0] not in _NUMBER_STARTS:
        raise Refused(f"$.{name}", "type", f"{name} is not a number")
    try:
        number = Decimal(raw.decode())
    except InvalidOperation:
        raise Refused(f"$.{name}", "range", f"{name} has an exponent that nobody writes") from None
    if not low <= number < high:
        raise Refused(f"$.{name}", "range", f"{name} is not between {low} and {high}")
    fixed = number.quantize(step)
    if fixed != number:
        raise Refused(f"$.{name}", "digits", f"{name} is not a multiple of {step}")
    # without an exponent, and no minus before a zero
    return msgspec.Raw(f"{fixed + 0:f}")


def _check_whole(name: str, value: float, _: Moment) -> int:
    if not value.is_integer():
        raise Refused(f"$.{name}", "type", f"{name} is not a whole number")
    return int(value)


def _check_json(most: int, name: str, value: Any, moment: Moment) -> Any:
    level = [value]
    for _ in range(most):
        level = [inner for outer in level for inner in _inside(name, outer, moment)]
        if not level:
            return value
    raise Refused(f"$.{name}", "depth", f"{name} is nested deeper than {most} levels")


def _inside(name: str, value: Any, moment: Moment) -> list[Any]:
    """The objects and arrays directly inside one."""
    values = value
    if isinstance(value, dict):
        values = value.values()
        if not moment.is_plain and any("\x00" in key for key in value):
            raise Refused(f"$.{name}", "nul", f"{name} contains a NUL character")
    deeper = []
    for one in values:
        if isinstance(one, dict | list):
            deeper.append(one)
        elif isinstance(one, int) and not -(1 << 63) <= one < 1 << 64:
            raise Refused(f"$.{name}", "range", f"{name} contains a whole number of more than 64 bits")
        elif not moment.is_plain and isinstance(one, str) and "\x00" in one:
            raise Refused(f"$.{name}", "nul", f"{name} contains a NUL character")
    return deeper


def _check_text(name: str, text: str, limit: int) -> None:
    if len(text.encode()) > limit:
        raise Refused(f"$.{name}", "length", f"{name} is longer than {limit} bytes")
    if "\x00" in text:
        raise Refused(f"$.{name}", "nul", f"{name} contains a NUL character")
