-- Late-binding views: a view over a function in SQL whose body is text. Postgres looks at the body when a query is
-- planned, so the view depends on no table, and puts the body in the call's place, so that it costs nothing and filters
-- reach the table. The columns of the view are found when it is made, and again whenever a relation that it names is
-- made or altered; before that, and while a relation is missing, it raises the error of its query.

-- Runs the query of a view that could not be bound, for its error.
create or replace function pg_catalog.rs_unbound(query text) returns setof boolean
language plpgsql as $$
begin
    execute query;
    raise exception 'the columns of this late-binding view are not known yet'
        using errcode = 'object_not_in_prerequisite_state', hint = 'Create the view again.';
end $$;

-- A column's type as a definition says it, with its length if it has one.
create or replace function pg_catalog.rs_declared(type oid, typmod int) returns text
language sql stable as $$
    select rs_format_type(case type when 'text'::regtype then 'varchar'::regtype else type end,
        case when type <> 'super'::regtype then typmod end)
$$;

create or replace function pg_catalog.rs_columns_of(relation oid, with_lengths boolean) returns text[]
language sql stable as $$
    select coalesce(array_agg(format('%I %s', attname,
        rs_declared(atttypid, case when with_lengths then atttypmod end)) order by attnum), '{}')
    from pg_attribute where attrelid = relation and attnum > 0 and not attisdropped
$$;

-- The columns of a probe with their lengths, as the view selects them: what reads the view learns them from there.
create or replace function pg_catalog.rs_selected(probe oid) returns text
language sql stable as $$
    select coalesce(string_agg(format('%1$I::%2$s as %1$I', attname, rs_declared(atttypid, atttypmod)), ', '
        order by attnum), '')
    from pg_attribute where attrelid = probe and attnum > 0 and not attisdropped
$$;

-- Give the view the columns that its query has now; leaves it as it is if the query does not run now.
create or replace procedure pg_catalog.rs_bind(relation oid)
language plpgsql set event_triggers = off set check_function_bodies = off as $$
declare
    known rs_relation;
    view text;
    view_columns text[] := rs_columns_of(relation, true);
    found_columns text[];
    selected text;
    query_columns text[];
    made name;
begin
    select * into known from rs_relation where relid = relation;
    select format('%I.%I', nspname, relname) into view
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace where pg_class.oid = relation;
    begin
        execute 'create temporary view rs_probe as ' || known.query;
        query_columns := rs_columns_of('pg_temp.rs_probe'::regclass, false);
        found_columns := rs_columns_of('pg_temp.rs_probe'::regclass, true);
        selected := rs_selected('pg_temp.rs_probe'::regclass);
        drop view pg_temp.rs_probe;
    exception when undefined_table or undefined_column or invalid_schema_name or undefined_function then
        return;
    end;
    if known.reader is not null and found_columns = known.columns then
        return;
    end if;
    made := 'rs_reader_' || nextval('rs_oid');
    execute format('create function pg_catalog.%I() returns table (%s) language sql stable as %L',
        made, array_to_string(query_columns, ', '), known.query);
    if found_columns[1:cardinality(view_columns)] = view_columns then
        execute format('create or replace view %s as select %s from pg_catalog.%I()', view, selected, made);
    else
        call rs_renew(view, made, selected);
    end if;
    update rs_relation set reader = made, columns = found_columns where relid = view::regclass;
    if known.reader is not null then
        execute format('drop function pg_catalog.%I()', known.reader);
    end if;
    -- views over this view have its columns
    call rs_bind_readers((parse_ident(view))[1], (parse_ident(view))[2]);
exception when syntax_error_or_access_rule_violation or dependent_objects_still_exist then
    -- what stands on the columns as they were cannot do with others; they stay, and the new values are cast to their types
    return;
end $$;

-- What a view is besides its query.
create or replace function pg_catalog.rs_view_state(view oid) returns jsonb
language sql stable as $$
    select jsonb_build_object('relid', c.oid, 'schema', n.nspname, 'name', c.relname, 'kind', c.relkind,
        'owner', pg_get_userbyid(c.relowner), 'privileges', c.relacl::text[], 'remark', obj_description(c.oid, 'pg_class'),
        'query', rs_pg_get_viewdef(c.oid))
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = view
$$;

-- The views that stand on a view, each behind those that it stands on itself.
create or replace function pg_catalog.rs_views_on(view oid) returns setof jsonb
language sql stable as $$
    with recursive above (relid, depth) as (
        select view, 0
        union
        select rule.ev_class, depth + 1
        from above
        join pg_depend as needed on needed.refobjid = relid and needed.refclassid = 'pg_class'::regclass
            and needed.classid = 'pg_rewrite'::regclass
        join pg_rewrite as rule on rule.oid = needed.objid and rule.ev_class <> relid
    )
    select rs_view_state(relid) from above where depth > 0 group by relid order by max(depth)
$$;

-- Make a view anew, as it was but for its query.
create or replace procedure pg_catalog.rs_remake(state jsonb, query text)
language plpgsql set event_triggers = off as $$
declare
    view text := format('%I.%I', state ->> 'schema', state ->> 'name');
    privilege record;
begin
    execute format('create view %s as %s', view, query);
    execute format('alter view %s owner to %I', view, state ->> 'owner');
    for privilege in
        select case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as grantee, privilege_type,
            is_grantable
        from aclexplode((select array_agg(value::aclitem) from jsonb_array_elements_text(
            case when jsonb_typeof(state -> 'privileges') = 'array' then state -> 'privileges' end)))
    loop
        execute format('grant %s on %s to %s%s', privilege.privilege_type, view, privilege.grantee,
            case when privilege.is_grantable then ' with grant option' else '' end);
    end loop;
    if state ->> 'remark' is not null then
        execute format('comment on view %s is %L', view, state ->> 'remark');
    end if;
    update rs_relation set relid = view::regclass where relid = (state ->> 'relid')::oid;
end $$;

-- Make a late-binding view anew over this function, and the views that stand on it: they get the columns that it has now.
create or replace procedure pg_catalog.rs_renew(view text, made name, selected text)
language plpgsql set event_triggers = off as $$
declare
    state jsonb := rs_view_state(view::regclass);
    views jsonb[] := array(select rs_views_on(view::regclass));
    above jsonb;
begin
    -- a materialized view has rows, and is not made anew
    execute format('drop view %s%s', view, case when views <> '{}' and not exists (
        select from unnest(views) as v where v ->> 'kind' <> 'v') then ' cascade' else '' end);
    call rs_remake(state, format('select %s from pg_catalog.%I()', selected, made));
    foreach above in array views loop
        call rs_remake(above, above ->> 'query');
        call rs_bind_readers(above ->> 'schema', above ->> 'name');
    end loop;
end $$;

-- Bind the views that read this relation, or all that are not bound.
create or replace procedure pg_catalog.rs_bind_readers(schema name, name name)
language plpgsql as $$
declare
    reading oid;
begin
    for reading in
        select relid from rs_relation where kind = 'late binding view'
            and case when schema is null then reader is null else schema || '.' || name = any (reads) end
    loop
        call rs_bind(reading);
    end loop;
end $$;
