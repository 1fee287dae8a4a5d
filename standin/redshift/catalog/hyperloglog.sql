-- HyperLogLog. A sketch is JSON as Redshift prints a sparse one: 2^15 registers, the index and the rank of those in use.
-- The hash is our own, so sketches of the two cannot be mixed; estimates differ within the error.
do $$
begin
    if to_regtype('pg_catalog.hllsketch') is null then
        create domain pg_catalog.hllsketch as text;
    end if;
end $$;

create or replace function pg_catalog.rs_observe(state int[], hash bigint) returns int[]
language plpgsql immutable parallel safe as $$
declare
    register int := (hash & 32767)::int + 1;
    rest bigint := (hash >> 15) & 562949953421311;
    rank int := 1;
begin
    if hash is null then
        return state;
    end if;
    while rank < 49 and rest & 1 = 0 loop
        rest := rest >> 1;
        rank := rank + 1;
    end loop;
    if state is null then
        state := array_fill(0, array[32768]);
    end if;
    if state[register] < rank then
        state[register] := rank;
    end if;
    return state;
end $$;
create or replace function pg_catalog.rs_observe(state int[], value anynonarray) returns int[]
language sql immutable parallel safe as $$
    select rs_observe(state, case when value is not null then hashtextextended(value::text, 0) end)
$$;
create or replace function pg_catalog.rs_estimate(state int[]) returns bigint
language sql immutable parallel safe as $$
    select coalesce(round(case when raw <= 2.5 * 32768 and zeros > 0 then 32768 * ln(32768.0::float8 / zeros) else raw end), 0)::bigint
    from (select 0.7213 / (1 + 1.079 / 32768) * 32768 * 32768 / sum(power(2::float8, -register)) as raw,
        count(*) filter (where register = 0) as zeros from unnest(state) register) estimate
$$;
create or replace function pg_catalog.rs_sketch(state int[]) returns hllsketch
language sql immutable parallel safe as $$
    select '{"version":1,"logm":15,"sparse":{"indices":[' || coalesce(string_agg((place - 1)::text, ',' order by place), '')
        || '],"values":[' || coalesce(string_agg(register::text, ',' order by place), '') || ']}}'
    from unnest(state) with ordinality as r (register, place) where register > 0
$$;
create or replace function pg_catalog.rs_registers(sketch text) returns int[]
language plpgsql immutable strict parallel safe as $$
declare
    state int[] := array_fill(0, array[32768]);
    indices int[] := array(select v::int from jsonb_array_elements_text(sketch::jsonb -> 'sparse' -> 'indices') v);
    ranks int[] := array(select v::int from jsonb_array_elements_text(sketch::jsonb -> 'sparse' -> 'values') v);
    register int;
begin
    for place in 1 .. cardinality(indices) loop
        -- Redshift's own have 26 bits, of which the first 15 tell the register
        register := case when indices[place] > 32767 then indices[place] >> 11 else indices[place] end & 32767;
        state[register + 1] := greatest(state[register + 1], ranks[place]);
    end loop;
    return state;
end $$;
create or replace function pg_catalog.rs_merge_sketch(state int[], sketch text) returns int[]
language sql immutable parallel safe as $$
    select case when sketch is null then state when state is null then rs_registers(sketch)
        else array(select greatest(a, b) from unnest(state, rs_registers(sketch)) with ordinality as u (a, b, place)
            order by place) end
$$;
create or replace function pg_catalog.rs_empty_sketch(state int[]) returns hllsketch
language sql immutable parallel safe as $$ select rs_sketch(coalesce(state, array_fill(0, array[32768]))) $$;

create or replace aggregate pg_catalog.hll(anynonarray) (sfunc = rs_observe, stype = int[], finalfunc = rs_estimate);
create or replace aggregate pg_catalog.hll_create_sketch(anynonarray)
    (sfunc = rs_observe, stype = int[], finalfunc = rs_empty_sketch);
create or replace aggregate pg_catalog.hll_combine(text) (sfunc = rs_merge_sketch, stype = int[], finalfunc = rs_empty_sketch);
create or replace function pg_catalog.hll_cardinality(sketch text) returns bigint
language sql immutable strict parallel safe return rs_estimate(rs_registers(sketch));
create or replace function pg_catalog.hll_combine_sketches(a text, b text) returns hllsketch
language sql immutable strict parallel safe return rs_sketch(rs_merge_sketch(rs_registers(a), b));
