"""The failures that a person can act on."""


class StandinError(Exception):
    """Something is wrong with the stand-in's server, its folder or its settings; the text says what to do next."""


class PortTakenError(StandinError):
    """Another process listens on the port that the server should have."""
