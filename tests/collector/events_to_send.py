"""Events of every kind, right and wrong, for property tests; and the JSON Schemas as their reference reads them."""

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st
from jsonschema import FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import Draft202012Validator, extend

from ingestion.collector.schema import SCHEMAS

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
"""When everything in these tests is received."""

VERSIONS = sorted(path.stem for path in SCHEMAS.glob("*.json"))
DOCUMENTS = {
    version: json.loads((SCHEMAS / f"{version}.json").read_text(), parse_float=Decimal) for version in VERSIONS
}

# and, as msgspec has it, a zone without its colon
_RFC_3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]+)?([Zz]|[+-][0-9]{2}:?[0-9]{2})"
)


def _max_bytes(validator, limit, instance, schema):
    if isinstance(instance, str) and (len(instance.encode()) > limit or "\0" in instance):
        yield ValidationError("longer than so many bytes, or with a NUL")


def _max_depth(validator, most, instance, schema):
    def depth(value):
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inside is None else 1 + max(map(depth, inside), default=0)

    def is_portable(value):
        if isinstance(value, dict):
            return all("\0" not in key and is_portable(one) for key, one in value.items())
        if isinstance(value, list):
            return all(map(is_portable, value))
        if isinstance(value, int):
            return -(2**63) <= value < 2**64
        return not isinstance(value, str) or "\0" not in value

    if isinstance(instance, dict) and (depth(instance) > most or not is_portable(instance)):
        yield ValidationError("nested too deep, or with what no warehouse holds")


_formats = FormatChecker(["ipv4", "ipv6"])


@_formats.checks("date-time")
def _is_time(instance):
    found = _RFC_3339.fullmatch(instance) if isinstance(instance, str) else None
    if not isinstance(instance, str):
        return True
    if not found:
        return False
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    zone = found[8]
    try:
        datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return False
    return zone in "Zz" or (int(zone[1:3]) < 24 and int(zone[-2:]) < 60)


def _is_whole(checker, instance):
    """JSON Schema's integer: 2 and 2.0. The library asks floats, and does not know decimals."""
    if isinstance(instance, Decimal):
        return instance == instance.to_integral_value()
    return Draft202012Validator.TYPE_CHECKER.is_type(instance, "integer")


_Reference = extend(
    Draft202012Validator,
    {"maxBytes": _max_bytes, "maxDepth": _max_depth},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole),
)
REFERENCE = {version: _Reference(document, format_checker=_formats) for version, document in DOCUMENTS.items()}


def in_order(text):
    """Whether the reference takes an event, and no clock of it is wrong."""
    value = json.loads(text, parse_float=Decimal, parse_constant=lambda name: 1 / 0)
    if not isinstance(value, dict) or value.get("schema_version") not in VERSIONS:
        return False
    if not REFERENCE[value["schema_version"]].is_valid(value):
        return False
    times = [value.get(name) for name in ("occurred_at", "sent_at")]
    moments = [datetime.fromisoformat(re.sub(r"(\.[0-9]{6})[0-9]+", r"\1", one.upper())) for one in times if one]
    return all(NOW - timedelta(days=90) <= moment <= NOW + timedelta(days=1) for moment in moments)


def texts(limit):
    """Texts around a limit in bytes."""
    short = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    filler = st.sampled_from("xä€𝄞")
    in_characters = st.builds(
        lambda one, begin, over: (begin + one * limit)[: limit + over], filler, short, st.integers(-2, 1)
    )
    in_bytes = st.builds(lambda one, over: one * ((limit + over) // len(one.encode())), filler, st.integers(-2, 5))
    return st.one_of(short, in_characters, in_bytes)


_NAIVE = NOW.replace(tzinfo=None)
times = st.one_of(
    st.builds(
        lambda moment, digits, zone: moment.strftime("%Y-%m-%dT%H:%M:%S") + digits + zone,
        st.datetimes(_NAIVE - timedelta(days=95), _NAIVE + timedelta(days=3)),
        st.sampled_from(["", ".1", ".123", ".123456", ".999999999"]),
        st.sampled_from(["Z", "z", "+02:00", "-11:30", "+00:00", "", "+0200", "+02", "+24:00", "+02:60"]),
    ),
    st.sampled_from(
        [
            "2026-11-27 12:00:00Z",
            "2026-11-27T24:00:00Z",
            "2026-11-31T12:00:00Z",
            "2026-11-27T12:00:60Z",
            "0001-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59.999999999Z",
            "2026-11-27",
            "1764244800",
            "now",
            "",
        ]
    ),
)
numbers = st.one_of(
    st.integers(-(10**16), 10**16),
    st.decimals(-10, 10**15, places=4),
    st.decimals(0, 100, places=6),
    st.sampled_from([Decimal(text) for text in ("1e2", "1E-4", "1E-5", "1e300", "-0.0", "3600.0")]),
    st.floats(0, 4000),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
)
free = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)
deep = st.builds(lambda levels: json.loads("[" * levels + "]" * levels), st.integers(6, 12))
addresses = st.one_of(
    st.ip_addresses().map(str),
    st.sampled_from(["::ffff:192.0.2.7", "fe80::1%eth0", "192.0.2.256", "192.0.2.07", "", "1.2.3"]),
)


def values(name, described):
    """Values for a field, most of which are right."""
    if "enum" in described:
        return st.one_of(st.sampled_from(described["enum"]), st.just("nothing_of_ours"))
    if "format" in described:
        return times
    if "anyOf" in described:
        return addresses
    kind = described["type"] if isinstance(described["type"], str) else described["type"][0]
    return {
        "string": lambda: texts(described["maxBytes"]),
        "number": lambda: numbers,
        "integer": lambda: st.one_of(st.integers(-2, 3_602), numbers),
        "object": lambda: st.dictionaries(st.text(max_size=4), st.one_of(free, deep), max_size=3),
    }[kind]()


@st.composite
def events(draw, wrong=True):
    """Events as JSON text: of some version, with some fields, of which some are wrong if wanted."""
    version = draw(st.sampled_from(VERSIONS))
    properties = DOCUMENTS[version]["properties"]
    ago = timedelta(days=draw(st.integers(0, 89)), milliseconds=draw(st.integers(0, 10**6)))
    event = {
        "schema_version": version,
        "event_type": draw(st.sampled_from(properties["event_type"]["enum"])),
        "occurred_at": (NOW - ago).isoformat(),
        "device_id": draw(st.sampled_from(["d-1", "ä" * 32, "x" * 64])),
    }
    if event["event_type"] == "custom" and draw(st.booleans()):
        event["event_name"] = "opened"
    others = [name for name in properties if name != "schema_version"]
    names = draw(st.lists(st.sampled_from(others), max_size=4, unique=True))
    for name in names:
        event[name] = draw(values(name, properties[name]))
    if wrong:
        mishap = draw(st.integers(0, 11))
        name = draw(st.sampled_from(list(properties)))
        if mishap == 0:
            event.pop(name, None)
        elif mishap == 1:
            event[name] = draw(free)
        elif mishap == 2:
            event[draw(st.sampled_from(["eventType", "site_id", "received_at", "", "event_name"]))] = "x"
        elif mishap == 3:
            event["schema_version"] = draw(st.sampled_from(["1-0-0", "2-0-0", "", None, 1]))
    return written(event)


def written(value):
    """JSON in which decimals are written as they are."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
