-- `||` between text and a scalar. Numbers turn into SUPER by themselves, and SUPER has a `||`; so that 'x' || 5 has one
-- meaning all the same, text and every scalar type have an operator of their own.
do $$
declare
    scalar text;
begin
    foreach scalar in array array['bool', 'int2', 'int4', 'int8', 'numeric', 'float4', 'float8'] loop
        execute format('create or replace function pg_catalog.rs_concatenate(text, %s) returns text
            language sql stable strict parallel safe as $f$ select $1 operator(pg_catalog.||) $2::text $f$', scalar);
        execute format('create or replace function pg_catalog.rs_concatenate(%s, text) returns text
            language sql stable strict parallel safe as $f$ select $1::text operator(pg_catalog.||) $2 $f$', scalar);
        if to_regoperator(format('pg_catalog.||(text,%s)', scalar)) is null then
            execute format('create operator pg_catalog.|| (leftarg = text, rightarg = %s,
                function = pg_catalog.rs_concatenate)', scalar);
            execute format('create operator pg_catalog.|| (leftarg = %s, rightarg = text,
                function = pg_catalog.rs_concatenate)', scalar);
        end if;
    end loop;
end $$;
