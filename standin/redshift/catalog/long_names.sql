-- Names longer than Postgres holds (dialect/names.py): which name stands for which. The pairs travel in a comment at the
-- end of the statement that makes the name, /*rsn:<base64 of JSON>:rsn*/, and live as long as the database.

create table if not exists pg_catalog.rs_long_name (short text primary key, long text not null);

create or replace function pg_catalog.rs_on_long_name() returns event_trigger
language plpgsql security definer set search_path = pg_catalog set standard_conforming_strings = on as $$
declare
    note text;
begin
    for note in select (regexp_matches(current_query(), '/\*rsn:([A-Za-z0-9+/=]*):rsn\*/', 'g'))[1] loop
        insert into rs_long_name
        select key, value from json_each_text(convert_from(decode(note, 'base64'), 'UTF8')::json)
        on conflict do nothing;
    end loop;
end $$;
drop event trigger if exists rs_on_long_name;
create event trigger rs_on_long_name on ddl_command_end execute function pg_catalog.rs_on_long_name();

-- the name as the client knows it; made from the name itself, so that it costs nothing for names of usual length
create or replace function pg_catalog.rs_full_name(name text) returns text
language sql stable parallel safe as $$
    select case when octet_length(name) between 60 and 63
        then coalesce((select long from pg_catalog.rs_long_name where short = name), name) else name end
$$;
