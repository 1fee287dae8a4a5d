{#- The table of the keys that pseudonyms are made with, before the first model reads it. For on-run-start.
    Postgres makes a key where there is none, within the database: no key ever stands in a statement. Redshift has no
    random numbers that would do for one; `ingest privacy pseudonym-key` makes it there, and the test
    `there_is_one_pseudonym_key` asks for it. -#}
{% macro create_pseudonym_key() -%}
    {%- if is_logged() -%}
begin;
create schema if not exists privacy;
create table if not exists privacy.pseudonym_keys (
    inner_key varchar(64) not null,
    outer_key varchar(64) not null,
    made_at timestamp not null
);
        {{- adapter.dispatch('fill_pseudonym_key')() }}
commit;
    {%- endif -%}
{%- endmacro %}

{% macro redshift__fill_pseudonym_key() -%}
{%- endmacro %}

{% macro postgres__fill_pseudonym_key() %}
lock table privacy.pseudonym_keys in exclusive mode;
insert into privacy.pseudonym_keys (inner_key, outer_key, made_at)
select
    encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex'),
    encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex'),
    now() at time zone 'UTC'
where not exists (select 1 from privacy.pseudonym_keys);
{%- endmacro %}
