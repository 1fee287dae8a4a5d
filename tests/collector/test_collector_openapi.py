"""The collector does what its OpenAPI description says: schemathesis asks what it allows, and what it does not."""

from datetime import UTC, datetime, timedelta

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from benchmarks.collecting import KEY

# the one rule that no schema can say: a clock is not years off
schemathesis.openapi.format(
    "date-time",
    st.integers(0, 80 * 86_400).map(lambda ago: (datetime.now(UTC) - timedelta(seconds=ago)).isoformat()),
)


def _is_portable(value):
    """Whether texts are short enough in bytes, too, nothing has a NUL, and whole numbers have 64 bits: maxBytes and
    maxDepth are ours, and what is free inside `properties` a schema does not reach."""
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, dict):
        return all(map(_is_portable, [*value, *value.values()]))
    if isinstance(value, list):
        return all(map(_is_portable, value))
    return not isinstance(value, str) or (value.isascii() and "\x00" not in value)


def _names_what_is_custom(query):
    """What parameters cannot say of one another: an event of type custom has a name."""
    return not isinstance(query, dict) or query.get("event_type") != "custom" or bool(query.get("event_name"))


@schemathesis.hook
def filter_case(context, case):
    # text/plain is described as text with JSON in it; schemathesis makes any text
    is_described = case.media_type != "text/plain" and _names_what_is_custom(case.query)
    return is_described and _is_portable(case.body) and _is_portable(case.query)


OPERATIONS = [
    "POST /v1/events",
    "OPTIONS /v1/events",
    "GET /v1/pixel.gif",
    "GET /health",
    "GET /health/live",
    "GET /metrics",
]


@pytest.fixture(scope="module")
def operations(collector):
    # what `filter_case` would throw away is not made in the first place
    # 207: of a batch, the bad events are refused and the good ones taken
    refused = {
        "expected-statuses": ["207", "400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "5xx"]
    }
    config = SchemathesisConfig.from_dict(
        {"generation": {"codec": "ascii", "allow-x00": False}, "checks": {"negative_data_rejection": refused}}
    )
    described = schemathesis.openapi.from_url(f"http://127.0.0.1:{collector.port}/openapi.json", config=config)
    return {one.label: one for one in (result.ok() for result in described.get_all_operations())}


def test_everything_is_described(operations):
    assert sorted(operations) == sorted(OPERATIONS)


@pytest.mark.parametrize("label", OPERATIONS)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_the_description_is_true(operations, label, mode):
    """What fits it is taken, what does not is refused, and every answer is one of those described."""
    operation = operations[label]
    try:
        cases = operation.as_strategy(generation_mode=mode)
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE
        return

    @settings(max_examples=15 if "/v1/" in label else 2, deadline=None, suppress_health_check=list(HealthCheck))
    @given(cases)
    def ask(case):
        case.call_and_validate(headers={"X-Write-Key": KEY})

    try:
        ask()
    except Unsatisfiable:
        # an operation without parameters has nothing that could be wrong
        assert mode is GenerationMode.NEGATIVE
