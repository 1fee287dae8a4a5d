-- Numbers.

-- powers are doubles
create or replace function pg_catalog.rs_power(a numeric, b numeric) returns float8
language sql immutable strict parallel safe return power(a::float8, b::float8);
update pg_catalog.pg_operator set oprcode = 'pg_catalog.rs_power(numeric, numeric)'::regprocedure, oprresult = 'float8'::regtype
where oid = 'pg_catalog.^(numeric, numeric)'::regoperator;

-- doubles round and cut to a number of digits too, and whole numbers stay whole
create or replace function pg_catalog.round(value float8, digits int) returns float8
language sql immutable strict parallel safe return round(value::numeric, digits)::float8;
create or replace function pg_catalog.trunc(value float8, digits int) returns float8
language sql immutable strict parallel safe return trunc(value::numeric, digits)::float8;
do $$
declare
    name text;
    kind text;
begin
    foreach kind in array array['int2', 'int4', 'int8'] loop
        foreach name in array array['round', 'trunc', 'ceil', 'ceiling', 'floor'] loop
            execute format('create or replace function pg_catalog.%s(value %s) returns %2$s
                language sql immutable strict parallel safe return value', name, kind);
        end loop;
        foreach name in array array['round', 'trunc'] loop
            execute format('create or replace function pg_catalog.%s(value %s, digits int) returns %2$s
                language sql immutable strict parallel safe return %1$s(value::numeric, digits)::%2$s', name, kind);
        end loop;
    end loop;
end $$;

create or replace function pg_catalog.ratio_to_report(value float8, total float8) returns float8
language sql immutable strict parallel safe return case when total <> 0 then value / total end;
