-- SUPER as a base type of its own, under the number that Redshift's clients know it by (4000): no translation on the
-- wire, and functions tell it from text. A value is JSON text, kept as it was written: the order and the form of
-- attributes and numbers survive. Text that is no JSON is a string: so 'abc' compared with, or put into, a SUPER is
-- what Redshift makes of it. Postgres can make such a type only in C, or as a copy of another type's row.
do $$
declare
    kind pg_catalog.pg_type;
begin
    if to_regtype('pg_catalog.super') is null then
        select * into kind from pg_catalog.pg_type where oid = 'text'::regtype;
        kind.oid := 4000;
        kind.typname := 'super';
        kind.typcategory := 'U';
        kind.typispreferred := false;
        kind.typcollation := 0;
        kind.typarray := 4001;
        insert into pg_catalog.pg_type select kind.*;
        select * into kind from pg_catalog.pg_type where oid = 'text[]'::regtype;
        kind.oid := 4001;
        kind.typname := '_super';
        kind.typcollation := 0;
        kind.typelem := 4000;
        insert into pg_catalog.pg_type select kind.*;
        create cast (super as json) without function;
        create cast (json as super) without function as assignment;
    end if;
end $$;

-- the text that a value is stored as
create or replace function pg_catalog.rs_stored(value super) returns text
language sql immutable strict parallel safe return value::json::text;

create or replace function pg_catalog.rs_json(value super) returns json
language sql immutable strict parallel safe
return case when rs_stored(value) is json then value::json else to_json(rs_stored(value)) end;

create or replace function pg_catalog.rs_jsonb(value super) returns jsonb
language sql immutable strict parallel safe return rs_json(value)::jsonb;

-- JSON null has no value of its own in SQL
create or replace function pg_catalog.rs_super(value json) returns super
language sql immutable strict parallel safe
return case when rs_pg_json_typeof(value) <> 'null' then value::super end;

-- a scalar as its SQL text; null for an object or an array
create or replace function pg_catalog.rs_scalar(value super) returns text
language sql immutable strict parallel safe
return case when rs_pg_json_typeof(rs_json(value)) not in ('object', 'array') then rs_json(value) #>> '{}' end;

-- JSON text without the blanks between its tokens. Bodies with backslashes are parsed here and now: sessions of clients
-- read backslashes in literals as escapes.
create or replace function pg_catalog.rs_compact(value text) returns text
language sql immutable strict parallel safe
return case when value ~ '\s' then rs_pg_regexp_replace(value, '("(?:[^"\\]|\\.)*")|\s+', '\1', 'g') else value end;

-- casts: to SUPER what JSON can say; from SUPER null where the value is no such thing, never an error. The cast stands
-- around the CASE, because the planner computes what it can, in an arm that is not taken too.
create or replace function pg_catalog.super(value varchar) returns super
language sql immutable strict parallel safe return to_json(value)::super;
create or replace function pg_catalog.super(value text) returns super
language sql immutable strict parallel safe return to_json(value)::super;
create or replace function pg_catalog.super(value bpchar) returns super
language sql immutable strict parallel safe return to_json(value::text)::super;
do $$
declare
    source text;
begin
    foreach source in array array['bool', 'int2', 'int4', 'int8', 'numeric', 'float4', 'float8'] loop
        execute format('create or replace function pg_catalog.super(value %s) returns super
            language sql immutable strict parallel safe return to_json(value)::super', source);
    end loop;
end $$;

create or replace function pg_catalog.text(value super) returns text
language sql immutable strict parallel safe return rs_scalar(value);
create or replace function pg_catalog."varchar"(value super) returns varchar
language sql immutable strict parallel safe return rs_scalar(value)::varchar;
create or replace function pg_catalog.bpchar(value super) returns bpchar
language sql immutable strict parallel safe return rs_scalar(value)::bpchar;
create or replace function pg_catalog."numeric"(value super) returns numeric
language sql immutable strict parallel safe
return (case when pg_input_is_valid(rs_scalar(value), 'numeric') then rs_scalar(value) end)::numeric;
create or replace function pg_catalog.float8(value super) returns float8
language sql immutable strict parallel safe
return (case when pg_input_is_valid(rs_scalar(value), 'float8') then rs_scalar(value) end)::float8;
create or replace function pg_catalog.float4(value super) returns float4
language sql immutable strict parallel safe
return (case when pg_input_is_valid(rs_scalar(value), 'float4') then rs_scalar(value) end)::float4;
create or replace function pg_catalog.int8(value super) returns int8
language sql immutable strict parallel safe
return case when abs("numeric"(value)) < 9223372036854775807 then round("numeric"(value))::int8 end;
create or replace function pg_catalog.int4(value super) returns int4
language sql immutable strict parallel safe
return case when abs("numeric"(value)) < 2147483647.5 then round("numeric"(value))::int4 end;
create or replace function pg_catalog.int2(value super) returns int2
language sql immutable strict parallel safe
return case when abs("numeric"(value)) < 32767.5 then round("numeric"(value))::int2 end;
create or replace function pg_catalog.bool(value super) returns bool
language sql immutable strict parallel safe
return case rs_pg_json_typeof(rs_json(value))
    when 'number' then case when scale("numeric"(value)) = 0 then "numeric"(value) <> 0 end
    else (case when pg_input_is_valid(rs_scalar(value), 'bool') then rs_scalar(value) end)::bool
end;
create or replace function pg_catalog.date(value super) returns date
language sql immutable strict parallel safe
return (case when rs_pg_json_typeof(rs_json(value)) = 'string' and pg_input_is_valid(rs_scalar(value), 'date')
    then rs_scalar(value) end)::date;
create or replace function pg_catalog."time"(value super) returns time
language sql immutable strict parallel safe
return (case when rs_pg_json_typeof(rs_json(value)) = 'string' and pg_input_is_valid(rs_scalar(value), 'time')
    then rs_scalar(value) end)::time;
create or replace function pg_catalog."timestamp"(value super) returns timestamp
language sql immutable strict parallel safe
return (case when rs_pg_json_typeof(rs_json(value)) = 'string' and pg_input_is_valid(rs_scalar(value), 'timestamp')
    then rs_scalar(value) end)::timestamp;
create or replace function pg_catalog.timestamptz(value super) returns timestamptz
language sql stable strict parallel safe
return (case when rs_pg_json_typeof(rs_json(value)) = 'string' and pg_input_is_valid(rs_scalar(value), 'timestamptz')
    then rs_scalar(value) end)::timestamptz;

do $$
declare
    other text;
begin
    foreach other in array array['varchar', 'bpchar', 'text', 'bool', 'int2', 'int4', 'int8', 'numeric', 'float4',
        'float8', 'date', 'time', 'timestamp', 'timestamptz']
    loop
        if not exists (
            select from pg_catalog.pg_cast where castsource = 'super'::regtype and casttarget = other::regtype)
        then
            -- implicit to text alone: then upper(s.a) works, and s.a = 1 has one meaning
            execute format('create cast (super as %s) with function pg_catalog.%I(super) as %s',
                other, other, case when other = 'text' then 'implicit' else 'assignment' end);
            if other not in ('date', 'time', 'timestamp', 'timestamptz') then
                execute format('create cast (%s as super) with function pg_catalog.super(%s) as %s',
                    other, other, case when other in ('varchar', 'bpchar', 'text') then 'assignment' else 'implicit' end);
            end if;
        end if;
    end loop;
end $$;

-- What is put into a column becomes JSON text on the way: 'abc' is the string "abc". Postgres looks for a coercion to the
-- same type where the column has a modifier, so columns of this type get one when they are made (relations.sql); it means
-- nothing, and no listing shows it.
create or replace function pg_catalog.rs_put(value super, typmod int, explicit boolean) returns super
language sql immutable parallel safe
return case when rs_stored(value) is json then value else to_json(rs_stored(value))::super end;
do $$
begin
    if not exists (
        select from pg_catalog.pg_cast where castsource = 'super'::regtype and casttarget = 'super'::regtype)
    then
        create cast (super as super) with function pg_catalog.rs_put(super, int, boolean) as implicit;
    end if;
end $$;

-- comparison: equal means deeply equal; values of different kinds are not equal, and have no order; ORDER BY ranks
-- booleans before numbers before strings before arrays before objects
create or replace function pg_catalog.rs_rank(value super) returns int
language sql immutable strict parallel safe
return case rs_pg_json_typeof(rs_json(value)) when 'null' then 0 when 'boolean' then 1 when 'number' then 2
    when 'string' then 3 when 'array' then 4 else 5 end;

create or replace function pg_catalog.super_cmp(super, super) returns int
language sql immutable strict parallel safe as $$
    select case when rs_rank($1) = rs_rank($2) then jsonb_cmp(rs_jsonb($1), rs_jsonb($2))
        else sign(rs_rank($1) - rs_rank($2))::int end
$$;
create or replace function pg_catalog.super_hash(super) returns int
language sql immutable strict parallel safe as $$ select jsonb_hash(rs_jsonb($1)) $$;

do $$
declare
    operator record;
    lefts text;
    rights text;
begin
    for operator in
        select * from (values ('eq', '=', 'eq', 'ne'), ('ne', '<>', 'ne', 'eq'), ('lt', '<', 'gt', 'ge'),
            ('le', '<=', 'ge', 'gt'), ('gt', '>', 'lt', 'le'), ('ge', '>=', 'le', 'lt')) as o (name, sign, swapped, negated)
    loop
        execute format('create or replace function pg_catalog.super_%s(super, super) returns bool
            language sql immutable strict parallel safe as $f$ select %s $f$', operator.name,
            case when operator.name in ('eq', 'ne') then format('rs_jsonb($1) %s rs_jsonb($2)', operator.sign)
                else format('case when rs_rank($1) = rs_rank($2) then rs_jsonb($1) %s rs_jsonb($2) end', operator.sign)
            end);
    end loop;
    if not exists (select from pg_catalog.pg_operator where oprleft = 'super'::regtype) then
        create operator pg_catalog.= (leftarg = super, rightarg = super, function = pg_catalog.super_eq,
            commutator = operator(pg_catalog.=), negator = operator(pg_catalog.<>), restrict = eqsel, join = eqjoinsel,
            hashes, merges);
        create operator pg_catalog.<> (leftarg = super, rightarg = super, function = pg_catalog.super_ne,
            commutator = operator(pg_catalog.<>), negator = operator(pg_catalog.=), restrict = neqsel, join = neqjoinsel);
        create operator pg_catalog.< (leftarg = super, rightarg = super, function = pg_catalog.super_lt,
            commutator = operator(pg_catalog.>));
        create operator pg_catalog.> (leftarg = super, rightarg = super, function = pg_catalog.super_gt,
            commutator = operator(pg_catalog.<));
        create operator pg_catalog.<= (leftarg = super, rightarg = super, function = pg_catalog.super_le,
            commutator = operator(pg_catalog.>=));
        create operator pg_catalog.>= (leftarg = super, rightarg = super, function = pg_catalog.super_ge,
            commutator = operator(pg_catalog.<=));
        create operator class pg_catalog.super_ops default for type super using btree as
            operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 super_cmp(super, super);
        create operator class pg_catalog.super_ops default for type super using hash as
            operator 1 =, function 1 super_hash(super);
    end if;
    -- with text on one side: the text is a string, not JSON
    for operator in
        select * from (values ('eq', '='), ('ne', '<>'), ('lt', '<'), ('le', '<='), ('gt', '>'), ('ge', '>='))
            as o (name, sign), (values ('text'), ('varchar')) as t (other)
    loop
        execute format('create or replace function pg_catalog.super_%s(super, %s) returns bool
            language sql immutable strict parallel safe as $f$ select super_%1$s($1, super($2)) $f$',
            operator.name, operator.other);
        execute format('create or replace function pg_catalog.super_%s(%s, super) returns bool
            language sql immutable strict parallel safe as $f$ select super_%1$s(super($1), $2) $f$',
            operator.name, operator.other);
        foreach lefts in array array['super', operator.other] loop
            rights := case when lefts = 'super' then operator.other else 'super' end;
            if to_regoperator(format('pg_catalog.%s(%s,%s)', operator.sign, lefts, rights)) is null then
                execute format('create operator pg_catalog.%s (leftarg = %s, rightarg = %s, function = pg_catalog.super_%s)',
                    operator.sign, lefts, rights, operator.name);
            end if;
        end loop;
    end loop;
    -- arithmetic on numbers; null for what is none
    for operator in
        select * from (values ('add', '+'), ('subtract', '-'), ('multiply', '*'), ('divide', '/'), ('modulo', '%'))
            as o (name, sign)
    loop
        execute format('create or replace function pg_catalog.super_%s(super, super) returns super
            language sql immutable strict parallel safe as $f$
                select case when rs_rank($1) = 2 and rs_rank($2) = 2
                    then to_json(pg_catalog.rs_number($1) %s pg_catalog.rs_number($2))::super end $f$',
            operator.name, operator.sign);
    end loop;
end $$;

-- a whole number divides as one
create or replace function pg_catalog.rs_number(value super) returns numeric
language sql immutable strict parallel safe return "numeric"(value);
create or replace function pg_catalog.super_divide(super, super) returns super
language sql immutable strict parallel safe as $$
    select case when rs_rank($1) = 2 and rs_rank($2) = 2 then
        to_json(case when scale(rs_number($1)) = 0 and scale(rs_number($2)) = 0
            then div(rs_number($1), rs_number($2)) else rs_number($1) / rs_number($2) end)::super end
$$;
create or replace function pg_catalog.super_negate(super) returns super
language sql immutable strict parallel safe return (-rs_number($1))::super;
do $$
begin
    if to_regoperator('pg_catalog.+(super,super)') is null then
        create operator pg_catalog.+ (leftarg = super, rightarg = super, function = pg_catalog.super_add);
        create operator pg_catalog.- (leftarg = super, rightarg = super, function = pg_catalog.super_subtract);
        create operator pg_catalog.* (leftarg = super, rightarg = super, function = pg_catalog.super_multiply);
        create operator pg_catalog./ (leftarg = super, rightarg = super, function = pg_catalog.super_divide);
        create operator pg_catalog.% (leftarg = super, rightarg = super, function = pg_catalog.super_modulo);
        create operator pg_catalog.- (rightarg = super, function = pg_catalog.super_negate);
    end if;
end $$;

-- navigation, which never fails: null for what is not there
create or replace function pg_catalog.super_get(value super, attribute text) returns super
language sql immutable strict parallel safe return rs_super(rs_json(value) -> attribute);

-- a quoted attribute with capital letters
create or replace function pg_catalog.rs_get_quoted(value super, attribute text) returns super
language sql stable strict parallel safe return super_get(value, case
    when current_setting('redshift.enable_case_sensitive_super_attribute', true) = 'on' then attribute
    -- letters of ASCII only
    else lower(attribute collate "C") end);

create or replace function pg_catalog.super_at(value super, place int) returns super
language sql immutable strict parallel safe
return case when place >= 0 then rs_super(rs_json(value) -> place) end;
-- an array of the catalogue, such as pg_constraint.conkey, counts from 1
create or replace function pg_catalog.super_at(value anyarray, place int) returns anyelement
language sql immutable strict parallel safe as 'select value[place]';

create or replace function pg_catalog.super_unnest(super, out value super, out index bigint) returns setof record
language sql immutable strict parallel safe rows 10 as $$
    select rs_super(e.element), e.number - 1
    from json_array_elements(case when rs_pg_json_typeof(rs_json($1)) = 'array' then rs_json($1) end)
        with ordinality as e (element, number)
$$;

create or replace function pg_catalog.super_unpivot(super, out key text, out value super) returns setof record
language sql immutable strict parallel safe rows 10 as $$
    select e.key, rs_super(e.value)
    from json_each(case when rs_pg_json_typeof(rs_json($1)) = 'object' then rs_json($1) end) as e
$$;

-- Numbers and booleans both become SUPER when they meet one. When they meet each other, nothing does.
create or replace function pg_catalog.rs_no_operator(sign text, a regtype, b regtype) returns text
language plpgsql immutable parallel safe as $$
begin
    raise exception 'operator does not exist: % % %', a, sign, b using errcode = 'undefined_function';
end $$;
do $$
declare
    pair record;
    operator record;
begin
    for pair in
        select lefts, rights from unnest(array['bool', 'int2', 'int4', 'int8', 'numeric', 'float4', 'float8']) as lefts,
            unnest(array['bool', 'int2', 'int4', 'int8', 'numeric', 'float4', 'float8']) as rights
        where (lefts = 'bool' or rights = 'bool')
    loop
        for operator in
            select * from (values ('plus', '+', pair.rights), ('minus', '-', pair.rights), ('times', '*', pair.rights),
                ('over', '/', pair.rights), ('modulo', '%', pair.rights), ('join', '||', 'text'), ('eq', '=', 'bool'), ('ne', '<>', 'bool'),
                ('lt', '<', 'bool'), ('le', '<=', 'bool'), ('gt', '>', 'bool'), ('ge', '>=', 'bool'))
                as o (name, sign, result)
        loop
            continue when to_regoperator(format('pg_catalog.%s(%s,%s)', operator.sign, pair.lefts, pair.rights)) is not null;
            execute format('create function pg_catalog.rs_no_%s(%s, %s) returns %s language sql immutable parallel safe
                return pg_catalog.rs_no_operator(%L, %L, %L)::%4$s', operator.name, pair.lefts, pair.rights,
                operator.result, operator.sign, pair.lefts, pair.rights);
            execute format('create operator pg_catalog.%s (leftarg = %s, rightarg = %s, function = pg_catalog.rs_no_%s)',
                operator.sign, pair.lefts, pair.rights, operator.name);
        end loop;
    end loop;
end $$;
