-- Between a raw table and its fact are filters and joins. A record that falls out there is missed by nobody, unless the
-- two ends are held against each other.
select
    source_name,
    resource_name,
    landed_count,
    superseded_count,
    excluded_count,
    modelled_count,
    missing_count

from {{ ref('source_reconciliation') }}
where missing_count <> 0
