-- Analysts write the definitions. One that forgets the consent would have us write to people who have said no, and no
-- other test would find it: without a purpose there is nothing to hold the members against.
select
    segment_id,
    used_for,
    needs_consent_purpose

from {{ ref('segment_definitions') }}
where
    used_for = 'marketing'
    and needs_consent_purpose is null
