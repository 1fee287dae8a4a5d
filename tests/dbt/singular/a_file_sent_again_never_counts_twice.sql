-- The identity of a landed row is its file and its place in it. The same delivery landed by two loads would
-- pass every key of a model that keeps one row per bill, and would still be a fault of the landing.
with

deliveries as (

    select
        source_name,
        resource_name,
        delivery_uri,
        delivery_identity,
        count(*) as delivery_count

    from {{ ref('ingestion_deliveries') }}
    group by
        source_name,
        resource_name,
        delivery_uri,
        delivery_identity

)

select *
from deliveries
where delivery_count > 1
