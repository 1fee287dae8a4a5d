{#- Which component of a graph each node is in: a query with the columns `node` and `component`, the least node of
    its component, for every node that has a link. Links go both ways, may be repeated, and may lead from a node to
    itself. For the place of a subquery: `( {{ connected_components(...) }} )`.

    Redshift has no recursion that forgets what it has seen, so the rounds are written out. A round is the large-star
    and the small-star of Kiveris et al., Connected Components in MapReduce and Beyond (2014): every node sees its
    neighbours and passes the larger ones on to the least of them. Each round doubles how far a label comes: `rounds`
    suffice for a chain of 2^(rounds - 1) links, and for anything less stretched, of whatever size. They may not
    suffice: a model that calls this carries the test `is_converged`.

    Each step reads the step before it once, so that an engine which does not keep the result of a CTE repeats nothing;
    hence the windows, and the two sides of a link by a cross join. -#}
{% macro connected_components(links, left_column, right_column, rounds) -%}
    {%- set rounds = rounds | int -%}
    with

    links_0 as (

        select distinct
            greatest({{ left_column }}, {{ right_column }}) as node,
            least({{ left_column }}, {{ right_column }}) as label

        from {{ links }}

    ),
    {%- for number in range(1, rounds + 1) %}

    {#- every link, seen from both of its ends #}
    seen_{{ number }} as (

        select
            case when sides.side = 1 then links.node else links.label end as node,
            case when sides.side = 1 then links.label else links.node end as neighbour

        from links_{{ number - 1 }} as links
        cross join (select 1 as side union all select 2 as side) as sides

    ),

    {#- the large-star: larger neighbours go to the least of all that the node sees, itself included #}
    least_seen_{{ number }} as (

        select
            node,
            neighbour,
            least(node, min(neighbour) over (partition by node)) as label

        from seen_{{ number }}

    ),

    large_star_{{ number }} as (

        select distinct
            neighbour as node,
            label

        from least_seen_{{ number }}
        where neighbour >= node

    ),

    {#- the small-star: the node and its smaller neighbours go to the least of them #}
    least_label_{{ number }} as (

        select
            node,
            label,
            min(label) over (partition by node) as least_label

        from large_star_{{ number }}

    ),

    links_{{ number }} as (

        select distinct
            case when label = least_label then node else label end as node,
            least_label as label

        from least_label_{{ number }}

    ),
    {%- endfor %}

    {#- a component's least node has no smaller neighbour, hence no link of its own #}
    labelled as (

        select
            node,
            label

        from links_{{ rounds }}
        union all
        select
            label as node,
            label

        from links_{{ rounds }}

    )

    select
        node,
        min(label) as component

    from labelled
    group by node
{%- endmacro %}
