-- Views of what lies outside of the cluster. The stand-in refuses to make such things by name, so there is nothing in them.

create view pg_catalog.svv_external_schemas as
select null::oid as esoid, null::smallint as eskind, null::name as schemaname, null::int as esowner, null::text as databasename,
    null::text as esoptions where false;
create view pg_catalog.svv_external_databases as
select null::int as eskind, null::text as esoptions, null::text as databasename, null::text as location, null::text as parameters
where false;
create view pg_catalog.svv_external_tables as
select null::text as redshift_database_name, null::text as schemaname, null::text as tablename, null::text as tabletype,
    null::text as location, null::text as input_format, null::text as output_format, null::text as serialization_lib,
    null::text as serde_parameters, null::int as compressed, null::text as parameters where false;
create view pg_catalog.svv_external_columns as
select null::text as redshift_database_name, null::text as schemaname, null::text as tablename, null::text as columnname,
    null::text as external_type, null::int as columnnum, null::int as part_key, null::text as is_nullable where false;
create view pg_catalog.svv_external_partitions as
select null::text as schemaname, null::text as tablename, null::text as "values", null::text as location,
    null::text as input_format, null::text as output_format, null::text as serialization_lib, null::text as serde_parameters,
    null::int as compressed, null::text as parameters where false;
create view pg_catalog.svv_datashare_consumers as
select null::varchar as share_name, null::varchar as consumer_account, null::varchar as consumer_namespace,
    null::timestamp as share_date where false;
create view pg_catalog.svv_ml_model_info as
select null::char(128) as schema_name, null::char(128) as user_name, null::char(128) as model_name, null::char(7) as life_cycle,
    null::int as is_refreshable, null::char(128) as model_state where false;
create view pg_catalog.svv_masking_policy as
select null::text as policy_database, null::text as policy_name, null::text as input_columns, null::text as policy_expression,
    null::text as policy_modified_by, null::timestamp as policy_modified_time where false;
