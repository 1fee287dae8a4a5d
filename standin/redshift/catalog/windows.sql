-- Window functions that Postgres lacks, as aggregates over the frame that they look at (dialect/windows.py).

-- IGNORE NULLS: a strict transition skips nulls, and begins with the first value that is none
create or replace function pg_catalog.rs_keep(kept anyelement, value anyelement) returns anyelement
language sql immutable strict parallel safe as $$ select kept $$;
create or replace function pg_catalog.rs_renew(kept anyelement, value anyelement) returns anyelement
language sql immutable strict parallel safe as $$ select value $$;
create or replace aggregate pg_catalog.rs_first_known(anyelement) (sfunc = pg_catalog.rs_keep, stype = anyelement);
create or replace aggregate pg_catalog.rs_last_known(anyelement) (sfunc = pg_catalog.rs_renew, stype = anyelement);

-- LAG(…, n) IGNORE NULLS: the nth of the values known so far, counted from the last
create or replace function pg_catalog.rs_nth_back(known anycompatiblearray, place bigint) returns anycompatible
language sql immutable parallel safe as $$ select known[cardinality(known) - place + 1] $$;

-- MERGE … REMOVE DUPLICATES: how many rows of the source a row of the target matches at most
create or replace function pg_catalog.rs_matched_once(matches bigint) returns boolean
language plpgsql immutable parallel safe as $$
begin
    if matches > 1 then
        raise exception 'Found multiple matches to update the same tuple.' using errcode = 'cardinality_violation';
    end if;
    return true;
end $$;
