-- Comparison, and what else operators of strings do on Redshift.

-- Blanks at the end of a VARCHAR mean nothing in a comparison, in GROUP BY and in DISTINCT. So VARCHAR has the operators
-- of CHAR under its own name, and operator classes of its own: joins, grouping and sorting go as fast as ever.
create or replace function pg_catalog.rs_hash(varchar) returns int
language internal immutable strict parallel safe as 'hashbpchar';
create or replace function pg_catalog.rs_hash(varchar, int8) returns int8
language internal immutable strict parallel safe as 'hashbpcharextended';
create or replace function pg_catalog.rs_hash(text) returns int
language internal immutable strict parallel safe as 'hashbpchar';
create or replace function pg_catalog.rs_hash(text, int8) returns int8
language internal immutable strict parallel safe as 'hashbpcharextended';
do $$
declare
    operator record;
    pair record;
    known oid;
begin
    for pair in
        select * from (values ('varchar', 'varchar'), ('varchar', 'text'), ('text', 'varchar'), ('varchar', 'bpchar'),
            ('bpchar', 'varchar')) as p (lefts, rights)
    loop
        execute format('create or replace function pg_catalog.rs_cmp(%s, %s) returns int
            language internal immutable strict parallel safe as %L', pair.lefts, pair.rights, 'bpcharcmp');
        for operator in
            select * from (values ('eq', '=', '=', '<>'), ('ne', '<>', '<>', '='), ('lt', '<', '>', '>='),
                ('le', '<=', '>=', '>'), ('gt', '>', '<', '<='), ('ge', '>=', '<=', '<'))
                as o (name, sign, swapped, negated)
        loop
            execute format('create or replace function pg_catalog.rs_%s(%s, %s) returns bool
                language internal immutable strict parallel safe as %L', operator.name, pair.lefts, pair.rights,
                'bpchar' || operator.name);
            known := to_regoperator(format('pg_catalog.%s(%s,%s)', operator.sign, pair.lefts, pair.rights));
            -- an operator that another one only named is still to be made
            if known is null or (select oprcode = 0 from pg_operator where oid = known) then
                execute format('create operator pg_catalog.%s (leftarg = %s, rightarg = %s, function = pg_catalog.rs_%s,
                    commutator = operator(pg_catalog.%s), negator = operator(pg_catalog.%s), %s)',
                    operator.sign, pair.lefts, pair.rights, operator.name, operator.swapped, operator.negated,
                    case operator.name when 'eq' then 'restrict = eqsel, join = eqjoinsel, hashes, merges'
                        when 'ne' then 'restrict = neqsel, join = neqjoinsel'
                        when 'lt' then 'restrict = scalarltsel, join = scalarltjoinsel'
                        when 'le' then 'restrict = scalarlesel, join = scalarlejoinsel'
                        when 'gt' then 'restrict = scalargtsel, join = scalargtjoinsel'
                        else 'restrict = scalargesel, join = scalargejoinsel' end);
            end if;
        end loop;
    end loop;
    if not exists (select from pg_opfamily where opfname = 'rs_varchar_ops') then
        create operator family pg_catalog.rs_varchar_ops using btree;
        create operator family pg_catalog.rs_varchar_ops using hash;
        create operator class pg_catalog.rs_varchar_ops default for type varchar using btree family rs_varchar_ops as
            operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >,
            function 1 rs_cmp(varchar, varchar), function 2 bpchar_sortsupport(internal);
        create operator class pg_catalog.rs_varchar_ops default for type varchar using hash family rs_varchar_ops as
            operator 1 =, function 1 rs_hash(varchar), function 2 rs_hash(varchar, int8);
        for pair in select * from (values ('varchar', 'text'), ('text', 'varchar'), ('varchar', 'bpchar'),
            ('bpchar', 'varchar')) as p (lefts, rights)
        loop
            execute format('alter operator family pg_catalog.rs_varchar_ops using btree add
                operator 1 <(%1$s, %2$s), operator 2 <=(%1$s, %2$s), operator 3 =(%1$s, %2$s), operator 4 >=(%1$s, %2$s),
                operator 5 >(%1$s, %2$s), function 1 (%1$s, %2$s) rs_cmp(%1$s, %2$s)', pair.lefts, pair.rights);
            execute format('alter operator family pg_catalog.rs_varchar_ops using hash add operator 1 =(%s, %s)',
                pair.lefts, pair.rights);
        end loop;
        alter operator family pg_catalog.rs_varchar_ops using hash add
            function 1 (text, text) rs_hash(text), function 2 (text, text) rs_hash(text, int8),
            function 1 (bpchar, bpchar) hashbpchar(bpchar), function 2 (bpchar, bpchar) hashbpcharextended(bpchar, int8);
    end if;
end $$;

-- a VARCHAR against a whole number is compared as a string, against a decimal as a number
do $$
declare
    operator record;
    pair record;
begin
    for operator in
        select * from (values ('eq', '='), ('ne', '<>'), ('lt', '<'), ('le', '<='), ('gt', '>'), ('ge', '>='))
            as o (name, sign)
    loop
        for pair in
            select * from (values
                ('varchar', 'int2', '$1::text %s $2::text'), ('int2', 'varchar', '$1::text %s $2::text'),
                ('varchar', 'int4', '$1::text %s $2::text'), ('int4', 'varchar', '$1::text %s $2::text'),
                ('varchar', 'int8', '$1::text %s $2::text'), ('int8', 'varchar', '$1::text %s $2::text'),
                ('varchar', 'numeric', '$1::numeric %s $2'), ('numeric', 'varchar', '$1 %s $2::numeric'))
                as p (lefts, rights, body)
        loop
            execute format('create or replace function pg_catalog.rs_%s(%s, %s) returns bool
                language sql immutable strict parallel safe return ' || pair.body,
                operator.name, pair.lefts, pair.rights, operator.sign);
            if to_regoperator(format('pg_catalog.%s(%s,%s)', operator.sign, pair.lefts, pair.rights)) is null then
                execute format('create operator pg_catalog.%s (leftarg = %s, rightarg = %s, function = pg_catalog.rs_%s)',
                    operator.sign, pair.lefts, pair.rights, operator.name);
            end if;
        end loop;
    end loop;
end $$;

-- + joins strings
create or replace function pg_catalog.rs_plus(a text, b text) returns text
language sql immutable strict parallel safe return a || b;
do $$
begin
    if to_regoperator('pg_catalog.+(text,text)') is null then
        create operator pg_catalog.+ (leftarg = text, rightarg = text, function = pg_catalog.rs_plus);
    end if;
end $$;

-- LIKE looks at numbers and moments as they are written
do $$
declare
    kind text;
    operator record;
begin
    foreach kind in array array['int2', 'int4', 'int8', 'numeric', 'date', 'timestamp'] loop
        for operator in select * from (values ('like', '~~'), ('notlike', '!~~'), ('ilike', '~~*'), ('notilike', '!~~*'))
            as o (name, sign)
        loop
            execute format('create or replace function pg_catalog.rs_%s(%s, text) returns bool
                language sql stable strict parallel safe return $1::text %s $2', operator.name, kind, operator.sign);
            if to_regoperator(format('pg_catalog.%s(%s,text)', operator.sign, kind)) is null then
                execute format('create operator pg_catalog.%s (leftarg = %s, rightarg = text, function = pg_catalog.rs_%s)',
                    operator.sign, kind, operator.name);
            end if;
        end loop;
    end loop;
end $$;
