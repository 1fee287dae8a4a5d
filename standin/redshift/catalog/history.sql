-- What happened: loads and unloads, written by COPY and UNLOAD; sessions and queries as far as Postgres knows them.

create table if not exists pg_catalog.stl_load_errors (
    userid int default 0, slice int, tbl int, starttime timestamp, session int, query int, filename char(256),
    line_number bigint, colname char(127), type char(10), col_length char(10), position int, raw_line char(1024),
    raw_field_value char(1024), err_code int, err_reason char(100), is_partial int, start_offset bigint, copy_job_id bigint);
create table if not exists pg_catalog.stl_loaderror_detail (
    userid int default 0, slice int, session int, query int, filename char(256), line_number bigint, field int,
    colname char(1024), value char(1024), is_null int, type char(10), col_length char(10));
create table if not exists pg_catalog.sys_load_error_detail (
    user_id int default 0, query_id bigint, transaction_id bigint, session_id int, database_name char(64), table_id int,
    start_time timestamp, file_name char(256), line_number bigint, column_name char(127), column_type char(10),
    column_length char(10), position int, error_code int, error_message char(512), raw_line char(1024),
    raw_field_value char(1024), schema_name char(128), table_name char(128), copy_job_id bigint);
create table if not exists pg_catalog.stl_load_commits (
    userid int default 0, query int, slice int, name char(256), filename char(256), byte_offset int, lines_scanned int,
    errors int, curtime timestamp, status int, file_format char(16), is_partial int, start_offset bigint, copy_job_id bigint);
create table if not exists pg_catalog.sys_load_history (
    user_id int default 0, query_id bigint, transaction_id bigint, session_id int, database_name text, status text,
    table_name text, start_time timestamp, end_time timestamp, duration bigint, data_source text, file_format text,
    loaded_rows bigint, loaded_bytes bigint, source_file_count int, source_file_bytes bigint, file_count_scanned int,
    file_bytes_scanned bigint, error_count bigint, copy_job_id bigint);
create table if not exists pg_catalog.stl_unload_log (
    userid int default 0, query int, slice int, pid int, path char(1280), start_time timestamp, end_time timestamp,
    line_count bigint, transfer_size bigint, file_format char(10));
create table if not exists pg_catalog.sys_unload_history (
    user_id int default 0, query_id bigint, transaction_id bigint, session_id int, database_name text, status text,
    start_time timestamp, end_time timestamp, duration bigint, file_format text, compression_type text,
    unloaded_location text, unloaded_rows bigint, unloaded_files_count bigint, unloaded_files_size bigint,
    error_message text);

create view pg_catalog.stl_s3client_error as
select null::int as userid, null::int as query, null::char(50) as sliceid, null::timestamp as recordtime, null::int as pid,
    null::char(64) as http_method, null::char(64) as bucket, null::char(256) as key, null::char(1024) as error where false;
create view pg_catalog.svcs_unload_log as
select userid, query, pid, path, start_time, end_time, line_count, transfer_size, file_format from stl_unload_log;
create view pg_catalog.sys_load_detail as
select userid as user_id, query::bigint as query_id, filename as file_name, lines_scanned::bigint as lines_scanned,
    curtime as record_time, file_format, is_partial from stl_load_commits;

-- A query as it may be shown: without attributes, and without passwords.
create or replace function pg_catalog.rs_query_text(query text) returns text
language sql immutable set standard_conforming_strings = on as $$
    select rs_pg_regexp_replace(rs_pg_regexp_replace(query, '\s*/\*rsn?:[A-Za-z0-9+/=]*:rsn?\*/', '', 'g'),
        '(\mpassword\s+)E?''([^'']|'''')*''', '\1''***''', 'gi')
$$;

-- Sessions: those of clients, in all databases.
create view pg_catalog.rs_sessions as
select pid, usesysid::int as userid, usename::text as user_name, datname::text as database, backend_start at time zone 'UTC' as began,
    query_start at time zone 'UTC' as query_began, state_change at time zone 'UTC' as changed, state, backend_xid,
    -- the gateway may come by a Unix socket, which has no address
    application_name, coalesce(client_addr, '127.0.0.1'::inet) as client_addr, client_port, rs_query_text(query) as query,
    -- unique as long as the server runs
    (extract(epoch from query_start) * 1000)::bigint % 2000000000 as query_id
from pg_stat_activity
where backend_type = 'client backend';

create view pg_catalog.stv_sessions as
select began::timestamp as starttime, pid as process, user_name::char(50) as user_name, database::char(50) as db_name,
    0 as timeout_sec
from rs_sessions;
create view pg_catalog.sys_session_history as
select userid as user_id, pid as session_id, database as database_name, 'active'::text as status, began::timestamp as session_timeout_start,
    began::timestamp as start_time, null::timestamp as end_time
from rs_sessions;
create view pg_catalog.stv_recents as
select userid, case when state = 'active' then 'Running' else 'Done' end::char(20) as status, query_began::timestamp as starttime,
    (extract(epoch from case when state = 'active' then clock_timestamp() at time zone 'UTC' else changed end - query_began) * 1000000)::int as duration,
    user_name::char(50) as user_name, database::char(50) as db_name, query::char(600) as query, pid
from rs_sessions
where query_began is not null;
create view pg_catalog.stv_inflight as
select userid, 0 as slice, query_id::int as query, 'default'::char(320) as label, backend_xid::text::bigint as xid, pid,
    query_began::timestamp as starttime, query::char(100) as text, 0 as suspended, 0 as insert_pristine,
    0 as concurrency_scaling_status
from rs_sessions
where state = 'active';
create view pg_catalog.stv_locks as
select l.relation::int as table_id, null::timestamp as last_update, a.userid as lock_owner_id,
    l.pid as lock_owner_pid, l.mode::char(30) as lock_status, a.query_began::timestamp as lock_owner_start_ts,
    null::timestamp as lock_owner_end_ts
from pg_locks as l join rs_sessions as a using (pid)
where l.relation is not null and l.relation >= 16384;
create view pg_catalog.svv_transactions as
select a.user_name as txn_owner, a.database as txn_db, l.virtualtransaction as xid, a.pid, a.query_began::timestamp as txn_start,
    l.mode as lock_mode, 'relation'::text as lockable_object_type, l.relation::int as relation, l.granted
from pg_locks as l join rs_sessions as a using (pid)
where l.relation is not null;

-- Queries: the last one of each session; Postgres keeps no more.
create view pg_catalog.sys_query_history as
select userid as user_id, query_id, 'default'::char(320) as query_label, backend_xid::text::bigint as transaction_id, pid as session_id,
    database::char(128) as database_name, upper(split_part(ltrim(query), ' ', 1))::char(32) as query_type,
    case when state = 'active' then 'running' else 'success' end::char(10) as status, false as result_cache_hit,
    query_began::timestamp as start_time, case when state <> 'active' then changed::timestamp end as end_time,
    (extract(epoch from case when state = 'active' then clock_timestamp() at time zone 'UTC' else changed end - query_began) * 1000000)::bigint as elapsed_time,
    0::bigint as queue_time,
    (extract(epoch from case when state = 'active' then clock_timestamp() at time zone 'UTC' else changed end - query_began) * 1000000)::bigint as execution_time,
    null::char(512) as error_message, null::bigint as returned_rows, null::bigint as returned_bytes, query::char(4000) as query_text,
    rs_version::char(256) as redshift_version, null::char(150) as usage_limit, 'primary'::varchar(18) as compute_type,
    0::bigint as compile_time, 0::bigint as planning_time, 0::bigint as lock_wait_time, 100 as service_class_id,
    'Default queue'::char(64) as service_class_name, 'Normal'::char(20) as query_priority,
    'false'::char(5) as short_query_accelerated, md5(query)::char(40) as user_query_hash, md5(query)::char(40) as generic_query_hash,
    1 as query_hash_version, null::bigint as result_cache_query_id
from rs_sessions, (select version() as rs_version) as server
where query_began is not null;
create view pg_catalog.sys_query_text as
select userid as user_id, query_id, backend_xid::text::bigint as transaction_id, pid as session_id, query_began::timestamp as start_time,
    (number - 1)::int as sequence, substring(query from (number - 1)::int * 200 + 1 for 200)::char(200) as text
from rs_sessions, generate_series(1, greatest(1, ceil(length(query) / 200.0))::int) as number
where query_began is not null;
create view pg_catalog.stl_query as
select userid, query_id::int as query, 'default'::char(320) as label, backend_xid::text::bigint as xid, pid, database::char(32) as database,
    query::char(4000) as querytxt, query_began::timestamp as starttime,
    case when state = 'active' then null else changed end::timestamp as endtime, 0 as aborted, 0 as insert_pristine,
    0 as concurrency_scaling_status
from rs_sessions
where query_began is not null;
create view pg_catalog.stl_querytext as
select user_id as userid, transaction_id as xid, session_id as pid, query_id::int as query, sequence, text from sys_query_text;
create view pg_catalog.svl_statementtext as
select userid, backend_xid::text::bigint as xid, pid, 'default'::char(320) as label, query_began::timestamp as starttime,
    changed::timestamp as endtime, 0 as sequence, 'QUERY'::varchar(10) as type, query::char(200) as text
from rs_sessions
where query_began is not null;
create view pg_catalog.svl_qlog as
select userid, query, xid, pid, starttime, endtime,
    (extract(epoch from coalesce(endtime, clock_timestamp() at time zone 'UTC') - starttime) * 1000000)::bigint as elapsed, aborted,
    label, substring(querytxt for 60)::char(60) as substring, null::int as source_query, concurrency_scaling_status
from stl_query;
create view pg_catalog.stl_ddltext as
select userid, xid, pid, label, starttime, endtime, sequence, text from svl_statementtext
where text ~* '^\s*(create|alter|drop)';
create view pg_catalog.stl_utilitytext as
select userid, xid, pid, label, starttime, endtime, sequence, text from svl_statementtext
where text !~* '^\s*(create|alter|drop|select|insert|update|delete|with|copy|unload)';
create view pg_catalog.stl_connection_log as
select 'authenticated'::char(50) as event, began::timestamp as recordtime, client_addr::text::char(50) as remotehost,
    client_port::text::char(50) as remoteport, pid, database::char(50) as dbname, user_name::char(50) as username,
    'password'::char(32) as authmethod, 0 as duration, null::char(50) as sslversion, null::char(128) as sslcipher, 0 as mtu,
    application_name::char(250) as application_name
from rs_sessions;

-- Who wrote into a table, and when: dbt asks this for the age of a relation. The age of its file is what there is.
create or replace function pg_catalog.rs_written_at(relation oid) returns timestamp
language sql stable security definer as $$
    select (pg_stat_file(pg_relation_filepath(relation), true)).modification at time zone 'UTC'
$$;
create view pg_catalog.sys_query_detail as
select relowner::int as user_id, 0::bigint as query_id, 1 as child_query_sequence, 1 as stream_id, 1 as segment_id, 1 as step_id,
    'insert'::text as step_name, oid::int as table_id, name::char(136) as table_name, 'f'::char(1) as is_rrscan,
    greatest(created_at, rs_written_at(oid)) as start_time, greatest(created_at, rs_written_at(oid)) as end_time, 0::bigint as duration,
    null::text as alert, null::bigint as input_bytes, null::bigint as input_rows, null::bigint as output_bytes,
    null::bigint as output_rows, null::bigint as blocks_read
from rs_relations
where relkind in ('r', 'p', 'm') and schema_name !~ '^pg_' and rs_has_rows(oid);

-- The cluster: one node with one slice.
create view pg_catalog.stv_slices as select 0 as node, 0 as slice, 0 as localslice, 'D'::char(1) as type;
create view pg_catalog.stv_tbl_perm as
select 0 as slice, r.oid::int as id, r.name::char(72) as name, rs_row_count(r.oid) as rows, rs_row_count(r.oid) as sorted_rows,
    (r.relpersistence = 't')::int as temp, d.oid::int as db_id, 0 as insert_pristine, 0 as delete_pristine,
    case when r.backup then 1 else 0 end as backup, 0 as dist_style, 0 as block_count
from rs_relations as r join pg_database as d on d.datname = current_database()
where r.relkind in ('r', 'p', 'm') and r.schema_name !~ '^pg_(?!temp)' and r.schema_name <> 'information_schema';
create view pg_catalog.svv_diskusage as
select d.oid::int as db_id, r.name::char(72) as name, 0 as slice, 0 as col, r.oid::int as tbl, 0 as blocknum
from rs_relations as r join pg_database as d on d.datname = current_database()
where r.relkind in ('r', 'p', 'm') and r.schema_name !~ '^pg_' and r.schema_name <> 'information_schema';
create view pg_catalog.svv_query_inflight as
select userid, slice, query, pid, starttime, suspended, text, 0 as sequence from stv_inflight;
create view pg_catalog.svv_query_state as
select null::int as userid, null::int as query, null::int as seg, null::int as step, null::interval as maxtime,
    null::interval as avgtime, null::bigint as rows, null::bigint as bytes, null::float as cpu, null::bigint as memory where false;
create view pg_catalog.stl_alert_event_log as
select null::int as userid, null::int as query, null::int as slice, null::int as segment, null::int as step, null::int as pid,
    null::bigint as xid, null::char(1024) as event, null::char(1024) as solution, null::timestamp as event_time where false;
create view pg_catalog.stl_error as
select null::int as userid, null::char(12) as process, null::timestamp as recordtime, null::int as pid, null::int as errcode,
    null::char(90) as file, null::int as linenum, null::char(100) as context, null::char(512) as error where false;
create view pg_catalog.stl_vacuum as
select null::int as userid, null::bigint as xid, null::int as table_id, null::char(30) as status, null::bigint as rows,
    null::int as sortedrows, null::int as blocks, null::int as max_merge_partitions, null::timestamp as eventtime where false;
create view pg_catalog.stl_analyze as
select null::int as userid, null::bigint as xid, null::char(30) as database, null::int as table_id, null::char(15) as status,
    null::float as rows, null::float as modified_rows, null::int as threshold_percent, null::char(1) as is_auto,
    null::timestamp as starttime, null::timestamp as endtime, null::char(1) as prevtime where false;
-- what would have rows only if the stand-in undid, vacuumed or advised by itself, or had Python functions
create view pg_catalog.stl_undone as
select null::int as userid, null::bigint as xact_id, null::bigint as xact_id_undone, null::timestamp as undo_start_ts,
    null::timestamp as undo_end_ts, null::bigint as table_id where false;
create view pg_catalog.svv_vacuum_progress as
select null::text as table_name, null::text as status, null::text as time_remaining_estimate where false;
create view pg_catalog.svv_vacuum_summary as
select null::text as table_name, null::bigint as xid, null::bigint as sort_partitions, null::bigint as merge_increments,
    null::bigint as elapsed_time, null::bigint as row_delta, null::bigint as sortedrow_delta, null::int as block_delta,
    null::int as max_merge_partitions where false;
create view pg_catalog.svv_alter_table_recommendations as
select null::char(30) as type, null::text as database, null::int as table_id, null::int as group_id, null::text as ddl,
    null::char(1) as auto_eligible where false;
create view pg_catalog.svl_udf_log as
select null::bigint as query, null::char(4096) as message, null::timestamp as created, null::char(4096) as traceback,
    null::char(256) as funcname, null::int as node, null::int as slice, null::int as seq where false;
create view pg_catalog.stl_wlm_query as
select null::int as userid, null::int as xid, null::int as task, null::int as query, null::int as service_class,
    null::int as slot_count, null::timestamp as service_class_start_time, null::timestamp as queue_start_time,
    null::timestamp as queue_end_time, null::bigint as total_queue_time, null::timestamp as exec_start_time,
    null::timestamp as exec_end_time, null::bigint as total_exec_time where false;
create view pg_catalog.stv_wlm_query_state as
select null::int as xid, null::int as task, null::int as query, null::int as service_class, null::int as slot_count,
    null::timestamp as wlm_start_time, null::char(16) as state, null::bigint as queue_time, null::bigint as exec_time where false;
create view pg_catalog.sys_procedure_call as
select null::int as user_id, null::bigint as query_id, null::char(128) as query_text, null::timestamp as start_time,
    null::timestamp as end_time, null::char(10) as status, null::int as session_user_id where false;
create view pg_catalog.sys_procedure_messages as
select null::timestamp as log_time, null::int as user_id, null::bigint as query_id, null::char(10) as severity,
    null::char(1024) as message, null::int as line_number where false;
create view pg_catalog.sys_mv_refresh_history as
select null::int as user_id, null::int as session_user_id, null::bigint as transaction_id, null::char(128) as database_name,
    null::char(128) as schema_name, null::char(128) as mv_name, null::bigint as refresh_id, null::char(32) as refresh_type,
    null::text as status, null::timestamp as start_time, null::timestamp as end_time, null::bigint as duration where false;
create view pg_catalog.svl_mv_refresh_status as
select null::char(128) as db_name, null::int as userid, null::char(128) as schema_name, null::char(128) as mv_name,
    null::bigint as xid, null::timestamp as starttime, null::timestamp as endtime, null::char(512) as status,
    null::char(32) as refresh_type where false;
