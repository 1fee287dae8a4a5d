-- Kept through a full refresh: were the loads numbered anew, what others remember of the old numbers would be wrong.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    sort='load_number',
    indexes=postgres_indexes(['load_id'], [['load_number']]),
) }}

with

final as (

    {{ number_new_loads(ref('stg_usage__loads')) }}

)

select * from final
