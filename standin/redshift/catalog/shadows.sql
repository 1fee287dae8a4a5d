-- Functions of Postgres that Redshift has under the same name, but not with the same results: they step aside, so that
-- ours can take the name. Postgres' own are `rs_pg_…` from here on; what refers to them by number notices nothing.
do $$
declare
    signature text;
begin
    foreach signature in array array[
        'avg(int2)', 'avg(int4)', 'avg(int8)', 'avg(numeric)',
        -- always doubles
        'var_pop(int2)', 'var_pop(int4)', 'var_pop(int8)', 'var_pop(numeric)',
        'var_samp(int2)', 'var_samp(int4)', 'var_samp(int8)', 'var_samp(numeric)',
        'variance(int2)', 'variance(int4)', 'variance(int8)', 'variance(numeric)',
        'stddev_pop(int2)', 'stddev_pop(int4)', 'stddev_pop(int8)', 'stddev_pop(numeric)',
        'stddev_samp(int2)', 'stddev_samp(int4)', 'stddev_samp(int8)', 'stddev_samp(numeric)',
        'stddev(int2)', 'stddev(int4)', 'stddev(int8)', 'stddev(numeric)',
        'concat("any")', 'split_part(text, text, int4)', 'textlen(text)',
        'regexp_substr(text, text, int4, int4, text, int4)', 'regexp_replace(text, text, text)',
        'regexp_replace(text, text, text, text)', 'regexp_replace(text, text, text, int4)',
        'regexp_replace(text, text, text, int4, int4)', 'regexp_replace(text, text, text, int4, int4, text)',
        'regexp_substr(text, text)', 'regexp_substr(text, text, int4)', 'regexp_substr(text, text, int4, int4)',
        'regexp_substr(text, text, int4, int4, text)', 'regexp_count(text, text)', 'regexp_count(text, text, int4)',
        'regexp_count(text, text, int4, text)', 'regexp_instr(text, text)', 'regexp_instr(text, text, int4)',
        'regexp_instr(text, text, int4, int4)', 'regexp_instr(text, text, int4, int4, int4)',
        'regexp_instr(text, text, int4, int4, int4, text)', 'regexp_instr(text, text, int4, int4, int4, text, int4)',
        'to_date(text, text)', 'to_timestamp(text, text)', 'to_char(timestamp, text)',
        'json_typeof(json)', 'json_array_length(json)', 'json_extract_path_text(json, text[])',
        -- on decimals these count in doubles
        'sqrt(numeric)', 'exp(numeric)', 'ln(numeric)', 'log(numeric)', 'log10(numeric)', 'power(numeric, numeric)',
        'pow(numeric, numeric)',
        'crc32(bytea)', 'version()', 'to_timestamp(float8)', 'random(int4, int4)', 'random(int8, int8)',
        'random(numeric, numeric)'
    ] loop
        if to_regprocedure('pg_catalog.' || signature)::oid < 16384 then
            update pg_catalog.pg_proc set proname = 'rs_pg_' || proname
            where oid = to_regprocedure('pg_catalog.' || signature);
        end if;
    end loop;
end $$;
