-- Days the wrong way round make a segment that is always empty, and nobody asks an empty segment why.
select
    segment_id,
    valid_from_on,
    valid_until_on

from {{ ref('segment_definitions') }}
where valid_until_on < valid_from_on
