with

rules as (

    select * from {{ ref('identity_rules') }}
    where is_active

),

identifiers as (

    select * from {{ ref('int_identity__identifiers') }}

),

quarantined as (

    select * from {{ ref('int_identity__identifiers_quarantined') }}

),

customers as (

    select * from {{ ref('int_customers__latest_kept') }}

),

usable as (

    select
        identifiers.customer_id,
        identifiers.identifier_kind,
        identifiers.identifier,
        identifiers.valid_from_at,
        identifiers.valid_to_at

    from identifiers
    left join quarantined
        on
            identifiers.identifier_kind = quarantined.identifier_kind
            and identifiers.identifier = quarantined.identifier
    where quarantined.identifier is null

),

-- What corroborates: never a reason to link two customers, only to believe one.
people as (

    select
        customer_id,
        born_on,
        lower(trim(given_name)) as given_name,
        lower(trim(given_name)) || ' ' || lower(trim(family_name)) as full_name

    from customers

),

-- Two customers who hold the same identifier. A rule within one kind finds them from both sides: hence least and
-- greatest here, and the grouping below.
matched as (

    select
        rules.rule_id,
        rules.confidence,
        rules.needs_corroboration_by,
        least(lefts.customer_id, rights.customer_id) as left_customer_id,
        greatest(lefts.customer_id, rights.customer_id) as right_customer_id,
        lefts.identifier,
        -- while both held it
        greatest(lefts.valid_from_at, rights.valid_from_at) as valid_from_at,
        case
            when lefts.valid_to_at is null then rights.valid_to_at
            when rights.valid_to_at is null then lefts.valid_to_at
            else least(lefts.valid_to_at, rights.valid_to_at)
        end as valid_to_at

    from rules
    inner join usable as lefts
        on rules.left_identifier_kind = lefts.identifier_kind
    inner join usable as rights
        on
            rules.right_identifier_kind = rights.identifier_kind
            and lefts.identifier = rights.identifier
            and lefts.customer_id <> rights.customer_id
    -- a number is given to somebody else once its owner has left it: after one another is no link
    where
        not rules.is_overlap_required
        or (
            (rights.valid_to_at is null or lefts.valid_from_at < rights.valid_to_at)
            and (lefts.valid_to_at is null or rights.valid_from_at < lefts.valid_to_at)
        )

),

corroborated as (

    select matched.*
    from matched
    inner join people as lefts
        on matched.left_customer_id = lefts.customer_id
    inner join people as rights
        on matched.right_customer_id = rights.customer_id
    where
        matched.needs_corroboration_by is null
        or (
            matched.needs_corroboration_by = 'birth_date'
            and lefts.born_on = rights.born_on
        )
        or (
            matched.needs_corroboration_by = 'full_name'
            and lefts.full_name = rights.full_name
        )
        or (
            matched.needs_corroboration_by = 'birth_date_and_given_name'
            and lefts.born_on = rights.born_on
            and lefts.given_name = rights.given_name
        )

),

final as (

    select
        left_customer_id,
        right_customer_id,
        rule_id,
        confidence,
        count(distinct identifier) as identifier_count,
        min(valid_from_at) as valid_from_at,
        case when count(*) = count(valid_to_at) then max(valid_to_at) end as valid_to_at

    from corroborated
    group by
        left_customer_id,
        right_customer_id,
        rule_id,
        confidence

)

select * from final
