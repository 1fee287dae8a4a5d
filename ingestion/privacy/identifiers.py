"""A value that leads to a person: how it is written, how it is looked for in texts, and its keyed hash."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ingestion.config import setting
from ingestion.errors import IngestError

HOME_CALLING_CODE = "358"
"""A phone number that begins with a 0 is one of this country's; as the models have it (`home_calling_code`)."""

SHORTEST_NUMBER = 6
"""A shorter identifier of digits alone is not looked for in texts, where it is part of amounts and dates."""

SHORTEST_KEY = 32
"""Bytes that a key has at least."""

PATTERN_VALUES = 100
"""How many values one pattern has at most."""

MARKS = " -()./+"
"""What people put between the digits of a phone number."""

# what ends a value in a text; an address may go on with a dot, a number only with a digit
_EDGES = {
    "email": ("(^|[^a-z0-9._+-])", "($|[^a-z0-9.-]|[.]($|[^a-z0-9]))"),
    "phone": ("(^|[^0-9])", "($|[^0-9])"),
}
_OTHER_EDGES = ("(^|[^a-z0-9])", "($|[^a-z0-9])")
_TOKEN = re.compile(r"[^\s\"'\\,;:{}\[\]<>|=()&?/]+")
_PHONE = re.compile(r"[+0-9][0-9 ()./-]{5,30}[0-9]")


def canonical(kind: str, value: str) -> str:
    """The one way to write a value of this kind: addresses in lower case, numbers as digits from the country on."""
    value = value.strip()
    if kind == "email":
        return value.lower()
    if kind != "phone":
        return value
    digits = "".join(letter for letter in value if letter.isdigit())
    if digits.startswith("00"):
        digits = digits[2:]
    elif digits.startswith("0"):
        digits = HOME_CALLING_CODE + digits[1:]
    # +358 (0)40: the 0 is for calls from within the country
    return re.sub(f"^{HOME_CALLING_CODE}0", HOME_CALLING_CODE, digits)


def spellings(kind: str, value: str) -> set[str]:
    """How a canonical value may stand in a column, in lower case and without the marks between a number's digits."""
    if kind != "phone":
        return {value.lower()}
    found = {value, f"00{value}"}
    if value.startswith(HOME_CALLING_CODE):
        home = value.removeprefix(HOME_CALLING_CODE)
        found |= {f"0{home}", f"{HOME_CALLING_CODE}0{home}", f"00{HOME_CALLING_CODE}0{home}"}
    return found


def patterns(values: Mapping[str, Iterable[str]]) -> list[str]:
    """Regular expressions that find canonical values in a text in lower case.

    They are written in what Postgres, Redshift, RE2 and Python have in common.
    """
    found = []
    for kind, of_kind in values.items():
        before, after = _EDGES.get(kind, _OTHER_EDGES)
        wanted = sorted(one for value in of_kind for one in _forms(kind, value))
        for start in range(0, len(wanted), PATTERN_VALUES):
            found.append(f"{before}({'|'.join(wanted[start : start + PATTERN_VALUES])}){after}")
    return found


def _forms(kind: str, value: str) -> Iterator[str]:
    if kind == "phone":
        for spelling in spellings(kind, value):
            yield f"[{'() ./-'}]*".join(spelling)
        return
    if value.isdigit() and len(value) < SHORTEST_NUMBER:
        return
    yield _escaped(value.lower())
    if kind == "email":
        # as it stands in an address of a page
        yield _escaped(value.lower().replace("@", "%40"))


def _escaped(text: str) -> str:
    """Without backslashes, which the engines read differently."""
    return "".join(letter if letter.isalnum() else "[\\^]" if letter == "^" else f"[{letter}]" for letter in text)


@dataclass(frozen=True)
class Key:
    """The secret that hashes are made with; it stays out of the representation."""

    secret: bytes

    def __repr__(self) -> str:
        return "Key(...)"

    @classmethod
    def from_settings(cls) -> Key:
        """The key that `sources.privacy.key` has, in `.dlt/secrets.toml` or as `SOURCES__PRIVACY__KEY`.

        Raises:
            IngestError: there is none, or it is too short.
        """
        secret = setting("privacy", "key").encode()
        if len(secret) < SHORTEST_KEY:
            raise IngestError(f"the setting sources.privacy.key is too short; it needs at least {SHORTEST_KEY} bytes")
        return cls(secret)

    def hash(self, value: str) -> str:
        """64 hexadecimal digits; the same for a canonical value every time."""
        return hmac.new(self.secret, f"identifier\n{value}".encode(), hashlib.sha256).hexdigest()

    def token(self, value: str) -> str:
        """What stands for an identifier in rows that have to stay: 20 letters, the same every time."""
        digest = hmac.new(self.secret, f"token\n{value}".encode(), hashlib.sha256).hexdigest()
        return f"erased-{digest[:13]}"


def words_of(text: str) -> Iterator[str]:
    """What in a text may be an identifier or a contact point, in canonical form."""
    text = text.replace("%40", "@")
    for token in _TOKEN.findall(text):
        bare = token.strip(".")
        yield bare
        if "@" in bare:
            yield canonical("email", bare)
    for number in _PHONE.findall(text):
        yield canonical("phone", number)
