{#- A segment's condition as SQL on the columns of `customer_view`. Analysts write conditions; whatever is wrong with one
    is said here, with the segment's name, and not by an engine that points at a place in the middle of a statement. -#}
{% macro segment_condition(segment_id, sql_condition) -%}
    {%- set parsed = parse_condition(sql_condition, customer_view_columns()) -%}
    {%- if parsed.fault -%}
        {{ exceptions.raise_compiler_error(
            'The condition of segment ' ~ segment_id ~ ' ' ~ parsed.fault ~ '. It is: ' ~ sql_condition
        ) }}
    {%- endif -%}
    {{ return(parsed.sql) }}
{%- endmacro %}

{#- The columns of `customer_view` by name, as its contract has them. -#}
{% macro customer_view_columns() -%}
    {{ return(graph.nodes['model.' ~ project_name ~ '.customer_view'].columns) }}
{%- endmacro %}

{#- What a condition says, word by word: `sql`, or `fault` when it is not one.

    A condition is columns, texts, numbers and dates, compared and joined by `and`, `or` and `not`. Nothing else is
    let through: no subquery, no comment, no second statement, no function but coalesce. What passes is valid on both
    engines, types included, so that a condition cannot fail half-way through a build.

    The words are turned into a line of letters, one for the kind of each, and groups of letters that make a value or a
    condition are replaced by its letter until only one is left:
    n number, w whole number, t text, d date, m moment, b yes or no; c comparison, p plus, s minus, x times, l like; A and, O or, N not,
    I in, S is, Z null, B between, F coalesce.

    The SQL is put together from the words again: what was not read as a word is not in it. A backslash is refused
    within a text, since Redshift would read it as an escape. -#}
{% macro parse_condition(sql_condition, columns) -%}
    {%- set word_pattern -%}
        date\s*'\d{4}-\d\d-\d\d'|'(?:[^'\\]|'')*'|[A-Za-z_]\w*|\d+(?:\.\d+)?|--|<>|<=|>=|\S
    {%- endset -%}
    {%- set letters = {
        'and': 'A', 'or': 'O', 'not': 'N', 'in': 'I', 'is': 'S', 'null': 'Z', 'between': 'B', 'like': 'l',
        'coalesce': 'F', 'true': 'b', 'false': 'b',
        '=': 'c', '<>': 'c', '<': 'c', '>': 'c', '<=': 'c', '>=': 'c',
        '+': 'p', '-': 's', '*': 'x', '(': '(', ')': ')', ',': ',',
    } -%}
    {%- set letters_of_types = {
        'varchar': 't', 'bigint': 'n', 'integer': 'n', 'smallint': 'n', 'numeric': 'n', 'date': 'd', 'timestamp': 'm',
        'boolean': 'b',
    } -%}
    {#- The first that fits is used, then all are tried again: brackets and arithmetic before comparisons. To a date only
        whole days can be added. -#}
    {%- set rules = [
        ('d[ps]w', 'd'),
        ('w', 'n'),
        ('(?<![IF])\\(([ntdmb])\\)', '\\1'),
        ('F\\(([ntdmb])(,\\1)+\\)', '\\1'),
        ('(^|[^ntdmb)])sn', '\\1n'),
        ('nxn', 'n'),
        ('n[ps]n', 'n'),
        ('dsd', 'n'),
        ('([nt])N?B\\1A\\1', 'b'),
        ('[dm]N?B[dm]A[dm]', 'b'),
        ('([ntd])N?I\\(\\1(,\\1)*\\)', 'b'),
        ('tN?lt', 'b'),
        ('[ntdmb]SN?Z', 'b'),
        ('([nt])c\\1', 'b'),
        ('[dm]c[dm]', 'b'),
        ('Nb', 'b'),
        ('bAb', 'b'),
        ('bOb', 'b'),
    ] -%}
    {%- set words = [] -%}
    {%- set kinds = [] -%}
    {%- set faults = [] -%}
    {%- for word in modules.re.findall(word_pattern | trim, sql_condition or '') -%}
        {%- set plain = word.lower() -%}
        {%- set column = columns.get(plain) -%}
        {%- if word[-1] == "'" and word | length > 1 -%}
            {%- do words.append(word) -%}
            {%- do kinds.append('t' if word[0] == "'" else 'd') -%}
        {%- elif word[0].isdigit() -%}
            {%- do words.append(word) -%}
            {%- do kinds.append('n' if '.' in word else 'w') -%}
        {%- elif plain in letters -%}
            {%- do words.append(plain) -%}
            {%- do kinds.append(letters[plain]) -%}
        {%- elif column is none and not modules.re.match('\\w', word) -%}
            {%- do faults.append('has a ' ~ word ~ ', which has no place in a condition') -%}
        {%- elif column is none -%}
            {%- do faults.append(
                'says ' ~ word ~ ', which is no column of customer_view and not one of and, or, not, in, is, null, '
                ~ 'between, like, coalesce, true and false'
            ) -%}
        {%- elif column.config.meta.pii == 'direct' -%}
            {%- do faults.append('reads ' ~ word ~ ', which names a person: being in the segment would tell it') -%}
        {%- else -%}
            {%- do words.append(plain) -%}
            {%- do kinds.append(letters_of_types[column.data_type.split('(')[0]]) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set line = namespace(kinds=kinds | join) -%}
    {%- for step in kinds -%}
        {%- set before = line.kinds -%}
        {%- for pattern, replacement in rules -%}
            {%- if line.kinds == before -%}
                {%- set line.kinds = modules.re.sub(pattern, replacement, before) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if not faults and line.kinds != 'b' -%}
        {%- do faults.append(
            'is no condition: a bracket or a word is missing or too many, or it compares what cannot be compared'
        ) -%}
    {%- endif -%}
    {{ return({'sql': words | join(' '), 'fault': faults | first | default('', true)}) }}
{%- endmacro %}
