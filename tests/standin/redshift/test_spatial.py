"""GEOMETRY and GEOGRAPHY: in tables, files and drivers as in Redshift; relations and measures as GEOS has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lake import ROLE, Lake, open_lake
from shapely.geometry.polygon import orient

from standin.local_s3 import LocalS3
from standin.redshift.warehouse import RedshiftWarehouse
from standin.warehouse import WarehouseFactory

POINT = "0101000020E6100000000000000000F03F0000000000000040"
LINE = "01020000000200000000000000000000000000000000000000000000000000F03F000000000000F03F"


@pytest.fixture(scope="module")
def lake(warehouse_factory: WarehouseFactory, local_s3: LocalS3) -> Iterator[Lake]:
    with open_lake(warehouse_factory, local_s3) as lake:
        yield lake


def test_columns_of_a_table_and_what_the_catalogue_calls_them(redshift: RedshiftWarehouse) -> None:
    with redshift.session() as execute:
        execute("create table places (id int, shape geometry encode raw, spot geography not null)")
        execute(f"insert into places values (1, 'SRID=4326;POINT(1 2)', '{POINT}'), (2, null, 'POINT(3 4)')")
        execute("insert into places select id + 2, shape, st_setsrid(shape, 4326)::geography from places where id = 1")
        assert execute("select st_asewkt(shape), st_astext(spot) from places order by id") == [
            ("SRID=4326;POINT(1 2)", "POINT(1 2)"),
            (None, "POINT(3 4)"),
            ("SRID=4326;POINT(1 2)", "POINT(1 2)"),
        ]
        described = execute(
            "select \"column\", type, encoding from pg_table_def where tablename = 'places' and \"column\" <> 'id'"
        )
        assert [tuple(value.strip() for value in row) for row in described] == [
            ("shape", "geometry", "none"),
            ("spot", "geography", "none"),
        ]
        assert execute("select data_type from svv_columns where table_name = 'places' order by ordinal_position") == [
            ("integer",),
            ("geometry",),
            ("geography",),
        ]
        # as numbers of types drivers know them
        oids = "select atttypid from pg_attribute where attrelid = 'places'::regclass and attnum > 1 order by attnum"
        assert execute(oids) == [(3000,), (3001,)]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("create table t (g geometry sortkey)", "cannot be a DISTKEY or SORTKEY"),
        ("create table t (g geography distkey)", "cannot be a DISTKEY or SORTKEY"),
        ("create table t (g geometry encode zstd)", "invalid encoding type specified"),
        ("create table t (g geometry(point, 4326))", "syntax error"),
        ("select st_point(1, 2) as g order by g", "could not identify an ordering operator for type geometry"),
        ("select count(*) from (select st_point(1, 2) as g) group by g", "could not identify an equality operator"),
        ("select distinct st_point(1, 2)", "could not identify an equality operator for type geometry"),
        ("select st_point(1, 2) = st_point(1, 2)", "operator does not exist: geometry = geometry"),
        ("select '01zz'::geometry", "Compass I/O exception: Invalid hexadecimal character(s) found"),
        ("select '010200000001'::geometry", "Compass I/O exception: Unexpected end of WKB"),
        (f"select '{LINE}00'::geometry", "Compass I/O exception: Unexpected bytes after the end of WKB"),
        ("select 'POINT(1 2 3)'::geometry", "Compass I/O exception: Invalid WKT: POINT(1 2 3)"),
        ('select st_geomfromgeojson(\'{"type":"Circle"}\')', "Compass I/O exception: Invalid GeoJSON"),
        ("select 'SRID=3067;POINT(1 2)'::geometry::geography", "SRID 3067 is not of a geographic"),
        ("select st_x('LINESTRING(0 0,1 1)'::geometry)", "ST_X: the geometry must be a point"),
        ("select st_contains('SRID=1;POINT(1 2)'::geometry, st_point(1, 2))", "have different SRIDs: 1 and 0"),
        ("select st_within('GEOMETRYCOLLECTION EMPTY'::geometry, st_point(1, 2))", "must not be a geometry collection"),
        ("select st_equals(null, st_point(1, 2))", "ST_Equals: a geometry is null"),
        ("select st_collect(st_point(1, 2), 'POINT Z (1 2 3)'::geometry)", "have different dimensions"),
        ("select st_makepolygon('LINESTRING(0 0,1 1,1 0)'::geometry)", "the linestring is not closed"),
        ("select st_astext(st_point(1, 2), 21)", "the precision must be between 1 and 20"),
        ("select st_union(st_point(1, 2), st_point(1, 2))", "The function ST_UNION is not supported by the stand-in"),
    ],
)
def test_what_is_refused(lake: Lake, statement: str, message: str) -> None:
    with pytest.raises(psycopg.Error) as refused:
        lake.execute(statement)
    assert message in str(refused.value).splitlines()[0]
    # nothing of the stand-in's own functions
    assert "rs_" not in str(refused.value)


def test_a_file_and_back(lake: Lake) -> None:
    lake.table("id int, shape geometry, spot geography")
    file = f"1|{POINT.lower()}|POINT(1 2)\n2|MULTIPOINT(1 2, 3 4)|\n3| |SRID=4326;POINT(1 2)\n4|01zz|\n"
    lake.execute(f"copy t from '{lake.put(file)}' {ROLE} maxerror 2")
    assert lake.execute("select id, st_asewkt(shape), st_asewkt(spot) from t order by id") == [
        (1, "SRID=4326;POINT(1 2)", "SRID=4326;POINT(1 2)"),
        (2, "MULTIPOINT((1 2),(3 4))", None),
        (3, None, "SRID=4326;POINT(1 2)"),
    ]
    assert lake.execute(
        "select trim(colname), trim(err_reason) from stl_load_errors order by starttime desc limit 1"
    ) == [("shape", "Compass I/O exception: Invalid hexadecimal character(s) found")]
    for options, separator in (("csv", ","), ("", "|")):
        place = lake.place()
        lake.execute(f"unload ('select * from t where id = 1') to '{place}' {ROLE} {options}")
        assert lake.files(place) == {"0000_part_00": separator.join(["1", POINT, POINT]).encode() + b"\n"}
        lake.table("id int, shape geometry, spot geography", "again")
        lake.execute(f"copy again from '{place}' {ROLE} {options}")
        assert lake.rows("again") == [(1, POINT, POINT)]


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("unload ('select shape from t') to '{place}' {role} parquet", "UNLOAD of GEOMETRY as PARQUET"),
        ("unload ('select spot from t') to '{place}' {role} json", "UNLOAD of GEOGRAPHY as JSON"),
        ("copy t from '{place}' {role} format parquet", "COPY of GEOMETRY and GEOGRAPHY from PARQUET"),
        ("copy t from '{place}' {role} format shapefile", "SHAPEFILE"),
        ("copy t from '{nowhere}' {role}", "Invalid WKT: nowhere"),
    ],
)
def test_files_that_hold_no_geometries(lake: Lake, statement: str, message: str) -> None:
    lake.table("id int, shape geometry, spot geography")
    names = {"place": lake.place(), "nowhere": lake.put("1|nowhere|"), "role": ROLE}
    with pytest.raises(psycopg.Error, match=message):
        lake.execute(statement.format(**names))


def test_input_functions_take_all_that_postgres_passes(redshift: RedshiftWarehouse) -> None:
    """Written in SQL, one with fewer arguments reads behind the end of their list, and now and then ends the server."""
    query = """select typname, pg_get_function_identity_arguments(typinput) from pg_type
        where typname in ('geometry', 'geography') order by 1 desc"""
    with redshift.behind.connect() as connection:
        found = connection.execute(query).fetchall()
    assert found == [(name, "cstring, oid, integer") for name in ("geometry", "geography")]


def test_drivers_read_hexadecimal_text(redshift: RedshiftWarehouse) -> None:
    query = "select 'SRID=4326;POINT(1 2)'::geometry, 'POINT(1 2)'::geography, st_geomfromtext(%s)"
    with redshift.connect() as connection, connection.cursor() as cursor:
        cursor.execute(query, ("LINESTRING(0 0,1 1)",))
        assert [column[1] for column in cursor.description] == [3999, 3001, 3999]
        shape, spot, line = cursor.fetchone()
        # told that these are the digits of a GEOMETRY, that driver makes small letters of them
        assert (shape, spot, line) == (POINT.lower(), POINT, LINE.lower())
        cursor.execute("create table t (g geometry)")
        cursor.execute("insert into t values (%s)", ("POINT Z (1 2 3)",))
    with redshift.psycopg() as client:
        assert client.execute(query.encode(), ["LINESTRING(0 0,1 1)"]).fetchone() == (POINT, POINT, LINE)
        stored = client.execute(b"select g from t", binary=True).fetchone()
        assert stored == (shapely.to_wkb(shapely.Point(1, 2, 3), flavor="iso"),)


# --------------------------------------------------------------------------------------------- held against GEOS

# few places, so that geometries touch, overlap and cover each other often
COORDINATE = st.integers(0, 5)
PLACE = st.tuples(COORDINATE, COORDINATE)
LINES = st.lists(PLACE, min_size=2, max_size=5, unique=True).map(shapely.LineString)
AREAS = (
    st.lists(PLACE, min_size=3, max_size=6, unique=True)
    .map(shapely.Polygon)
    .filter(lambda area: area.is_valid and area.area > 0)
)
# Redshift wants interior rings to turn the other way than the exterior one; GEOS does not care
RINGED = st.builds(
    lambda area, hole: (
        orient(shapely.Polygon(area.exterior, [hole.exterior])) if area.contains_properly(hole) else area
    ),
    st.just(shapely.box(0, 0, 5, 5)),
    AREAS,
)
SINGLE = st.one_of(PLACE.map(shapely.Point), LINES, AREAS, RINGED)
SEVERAL = st.one_of(
    st.lists(PLACE, min_size=1, max_size=4).map(shapely.MultiPoint),
    st.lists(LINES, min_size=1, max_size=3).map(shapely.MultiLineString),
    st.lists(AREAS, min_size=1, max_size=2).map(shapely.MultiPolygon).filter(lambda areas: areas.is_valid),
)
GEOMETRIES = st.one_of(SINGLE, SEVERAL)
PREDICATES: dict[str, Callable[[Any, Any], Any]] = {
    "intersects": shapely.intersects,
    "disjoint": shapely.disjoint,
    "contains": shapely.contains,
    "within": shapely.within,
    "covers": shapely.covers,
    "coveredby": shapely.covered_by,
    "containsproperly": shapely.contains_properly,
    "touches": shapely.touches,
    "equals": shapely.equals,
    "crosses": shapely.crosses,
}
examples = settings(max_examples=40, deadline=None)


@examples
@given(GEOMETRIES, GEOMETRIES)
def test_relations_are_those_of_geos(lake: Lake, a: Any, b: Any) -> None:
    asked = ", ".join(f"st_{name}(a, b)" for name in PREDICATES)
    (told,) = lake.execute(
        f"select {asked}, st_distance(a, b), st_distance(b, a), st_dwithin(a, b, 2), st_equals(b, a)"
        f" from (select '{a.wkt}'::geometry as a, '{b.wkt}'::geometry as b)"
    )
    assert dict(zip(PREDICATES, told, strict=False)) == {name: bool(test(a, b)) for name, test in PREDICATES.items()}
    distance, back, near, equal = told[len(PREDICATES) :]
    assert distance == back == pytest.approx(shapely.distance(a, b), rel=1e-12)
    assert near == (shapely.distance(a, b) <= 2)
    assert equal == shapely.equals(a, b)


@examples
@given(GEOMETRIES, st.sampled_from([0.125, 1, 1024]), st.integers(-(10**6), 10**6))
def test_measures_are_those_of_geos(lake: Lake, shape: Any, scale: float, shift: int) -> None:
    # such numbers are exact: no rounding moves a point across a line
    shape = shapely.transform(shape, lambda places: places * scale + shift)
    (told,) = lake.execute(
        "select st_npoints(g), st_dimension(g), st_isvalid(g), st_xmin(g), st_ymax(g), st_ashexwkb(st_convexhull(g)),"
        " st_area(g), st_length(g), st_perimeter(g), st_x(st_centroid(g)), st_y(st_centroid(g))"
        f" from (select st_geomfromwkb('{shape.wkb_hex}') as g)"
    )
    assert told[:3] == (shapely.get_num_coordinates(shape), shapely.get_dimensions(shape), True)
    assert told[3:5] == (shape.bounds[0], shape.bounds[3])
    assert shapely.equals(shapely.from_wkb(told[5]), shape.convex_hull)
    lines = shape.length if shape.geom_type.endswith("LineString") else 0
    rings = shape.length if shape.geom_type.endswith("Polygon") else 0
    measures = (shape.area, lines, rings, shape.centroid.x, shape.centroid.y)
    assert told[6:] == pytest.approx(measures, rel=1e-9, abs=1e-9)


# ------------------------------------------------------------------------------------------------- forms and back

NUMBER = st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: number == 0 or abs(number) > 1e-290)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, int, int]:
    """A geometry as EWKT of a kind, with dimensions and an SRID; its numbers have all their digits."""
    marker, width = draw(st.sampled_from([("", 2), (" Z ", 3), (" M ", 3), (" ZM ", 4)]))
    point = st.lists(NUMBER, min_size=width, max_size=width).map(lambda numbers: " ".join(f"{n:.17g}" for n in numbers))

    def listed(part: st.SearchStrategy[str], least: int = 1) -> st.SearchStrategy[str]:
        return st.lists(part, min_size=least, max_size=3).map(lambda parts: f"({','.join(parts)})") | st.just("EMPTY")

    bodies = {
        "POINT": point.map(lambda text: f"({text})") | st.just("EMPTY"),
        "LINESTRING": listed(point, 2),
        "POLYGON": listed(st.lists(point, min_size=3, max_size=4).map(lambda ring: f"({','.join([*ring, ring[0]])})")),
    }
    for name in list(bodies):
        bodies[f"MULTI{name}"] = listed(bodies[name])

    def named(name: str, body: str) -> str:
        return f"{name}{marker.rstrip() + ' ' if body == 'EMPTY' else marker}{body}"

    single = st.sampled_from(sorted(bodies)).flatmap(lambda name: bodies[name].map(lambda body: named(name, body)))
    collection = listed(single).map(lambda body: named("GEOMETRYCOLLECTION", body))
    return draw(single | collection), width, draw(st.sampled_from([0, 4326, 3067]))


@examples
# the numbers end with 625 and 875: both lie in the middle, and go to the even digit
@example(("POINT(-100000000000000.62 100000000000000.88)", 2, 0))
@given(written())
def test_every_form_gives_back_what_it_was_given(lake: Lake, given_geometry: tuple[str, int, int]) -> None:
    text, width, srid = given_geometry
    ewkt = f"SRID={srid};{text}" if srid else text
    (told,) = lake.execute(
        "select st_asewkt(g, 17), st_ashexewkb(g), st_ashexewkb(st_geomfromewkb(st_asewkb(g))),"
        " st_ashexewkb(st_geomfromwkb(st_ashexwkb(g), st_srid(g))), st_ashexewkb(st_geomfromewkt(st_asewkt(g, 17))),"
        " st_ashexewkb(st_reverse(st_reverse(g))), st_ashexewkb(st_force4d(g)), st_ndims(g), st_srid(g)"
        f" from (select '{ewkt}'::geometry as g)"
    )
    assert told[0] == ewkt
    assert told[1] == told[2] == told[3] == told[4] == told[5]
    assert told[7:] == (width, srid)
    assert told[6] == told[1] if width == 4 else len(told[6]) >= len(told[1])
    if "EMPTY" not in text:
        # GEOS has no empty points in a multipoint of several dimensions
        ours = shapely.from_wkb(told[1])
        assert shapely.get_srid(ours) == srid
        assert shapely.get_num_coordinates(ours) == shapely.get_num_coordinates(shapely.from_wkt(text))
