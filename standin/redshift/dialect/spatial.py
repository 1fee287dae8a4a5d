"""The names of the spatial functions that the stand-in refuses: they need overlays of areas, or the grid of H3 itself.

Source: "Spatial functions" in the SQL reference. All others are in the catalogue (`catalog/spatial_*.sql`).
"""

from __future__ import annotations

SPATIAL = frozenset(
    {
        "h3_boundary", "h3_center", "h3_fromlonglat", "h3_frompoint", "h3_polyfill", "st_buffer", "st_intersection",
        "st_transform", "st_union",
    }
)  # fmt: skip
