"""Write keys of the collector that the tests share."""

SLOW_KEY = "a-key-of-a-site-that-sends-little"
ROTATED_KEY = "the-key-that-comes-after-the-first"
