-- Hashes and checksums. Words are unsigned 32 bits in a bigint.

create or replace function pg_catalog.rs_word(value bytea, place int) returns bigint
language sql immutable strict parallel safe
return (get_byte(value, place)::bigint << 24) | (get_byte(value, place + 1) << 16) | (get_byte(value, place + 2) << 8)
    | get_byte(value, place + 3);
create or replace function pg_catalog.rs_turn(word bigint, bits int) returns bigint
language sql immutable strict parallel safe
return ((word << bits) | (word >> (32 - bits))) & 4294967295;
create or replace function pg_catalog.rs_times(a bigint, b bigint) returns bigint
language sql immutable strict parallel safe
return (a * (b & 65535) + (((a * (b >> 16)) & 65535) << 16)) & 4294967295;

create or replace function pg_catalog.sha1(value bytea) returns text
language plpgsql immutable strict parallel safe as $$
declare
    words bigint[] := array[1732584193, 4023233417, 2562383102, 271733878, 3285377520];
    mask constant bigint := 4294967295;
    padded bytea;
    w bigint[];
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; k bigint; t bigint;
begin
    padded := value || decode('80', 'hex') || decode(repeat('00', (119 - length(value) % 64) % 64), 'hex')
        || decode(lpad(to_hex(length(value)::bigint * 8), 16, '0'), 'hex');
    for block in 0 .. length(padded) / 64 - 1 loop
        for i in 0 .. 15 loop
            w[i] := rs_word(padded, block * 64 + i * 4);
        end loop;
        for i in 16 .. 79 loop
            t := w[i - 3] # w[i - 8] # w[i - 14] # w[i - 16];
            w[i] := rs_turn(t, 1);
        end loop;
        a := words[1]; b := words[2]; c := words[3]; d := words[4]; e := words[5];
        for i in 0 .. 79 loop
            if i < 20 then
                f := (b & c) | ((~b) & mask & d); k := 1518500249;
            elsif i < 40 then
                f := b # c # d; k := 1859775393;
            elsif i < 60 then
                f := (b & c) | (b & d) | (c & d); k := 2400959708;
            else
                f := b # c # d; k := 3395469782;
            end if;
            t := (rs_turn(a, 5) + f + e + k + w[i]) & mask;
            e := d; d := c; c := rs_turn(b, 30); b := a; a := t;
        end loop;
        words := array[(words[1] + a) & mask, (words[2] + b) & mask, (words[3] + c) & mask,
            (words[4] + d) & mask, (words[5] + e) & mask];
    end loop;
    return (select string_agg(lpad(to_hex(word), 8, '0'), '' order by place)
        from unnest(words) with ordinality as u (word, place));
end $$;
create or replace function pg_catalog.sha1(value text) returns text
language sql immutable strict parallel safe return sha1(convert_to(value, 'UTF8'));
create or replace function pg_catalog.sha(value text) returns text
language sql immutable strict parallel safe return sha1(convert_to(value, 'UTF8'));
create or replace function pg_catalog.sha(value bytea) returns text
language sql immutable strict parallel safe return sha1(value);
create or replace function pg_catalog.func_sha1(value text) returns text
language sql immutable strict parallel safe return sha1(convert_to(value, 'UTF8'));

create or replace function pg_catalog.sha2(value bytea, bits int) returns text
language plpgsql immutable strict parallel safe as $$
begin
    return encode(case bits
        when 0 then sha256(value) when 224 then sha224(value) when 256 then sha256(value)
        when 384 then sha384(value) when 512 then sha512(value) end, 'hex');
end $$;
create or replace function pg_catalog.sha2(value text, bits int) returns text
language sql immutable strict parallel safe return sha2(convert_to(value, 'UTF8'), bits);

create or replace function pg_catalog.crc32(value text) returns text
language sql immutable strict parallel safe return lpad(to_hex(crc32c(convert_to(value, 'UTF8'))), 8, '0');

-- what is hashed: integers in their own width, little-endian; strings as their bytes
create or replace function pg_catalog.rs_little_endian(value bigint, bytes int) returns bytea
language sql immutable strict parallel safe return substring(reverse(int8send(value)) for bytes);

-- FNV-1a in 64 bits; the product is taken in halves, because a bigint overflows
create or replace function pg_catalog.rs_fnv(value bytea, seed bigint) returns bigint
language plpgsql immutable strict parallel safe as $$
declare
    mask constant bigint := 4294967295;
    low bigint := seed & mask;
    high bigint := (seed >> 32) & mask;
    product bigint;
begin
    -- the prime is 2^40 + 435
    for place in 0 .. length(value) - 1 loop
        low := low # get_byte(value, place);
        product := low * 435;
        high := (high * 435 + (product >> 32) + (low << 8)) & mask;
        low := product & mask;
    end loop;
    return (high << 32) | low;
end $$;

-- Murmur3, 32 bits
create or replace function pg_catalog.rs_murmur3(value bytea, seed int) returns int
language plpgsql immutable strict parallel safe as $$
declare
    mask constant bigint := 4294967295;
    hash bigint := seed::bigint & mask;
    size int := length(value);
    k bigint;
begin
    for block in 0 .. size / 4 - 1 loop
        k := rs_turn(rs_times(rs_word(reverse(substring(value from block * 4 + 1 for 4)), 0), 3432918353), 15);
        hash := hash # rs_times(k, 461845907);
        hash := (rs_turn(hash, 13) * 5 + 3864292196) & mask;
    end loop;
    if size % 4 > 0 then
        k := 0;
        for place in reverse size - 1 .. size - size % 4 loop
            k := (k << 8) | get_byte(value, place);
        end loop;
        k := rs_turn(rs_times(k, 3432918353), 15);
        hash := hash # rs_times(k, 461845907);
    end if;
    hash := hash # size;
    hash := hash # (hash >> 16);
    hash := rs_times(hash, 2246822507);
    hash := hash # (hash >> 13);
    hash := rs_times(hash, 3266489909);
    hash := hash # (hash >> 16);
    return case when hash > 2147483647 then hash - 4294967296 else hash end;
end $$;

do $$
declare
    kind record;
begin
    for kind in select * from (values
        ('int2', 'rs_little_endian(value, 2)', 'rs_little_endian(value, 8)'),
        ('int4', 'rs_little_endian(value, 4)', 'rs_little_endian(value, 8)'),
        ('int8', 'rs_little_endian(value, 8)', 'rs_little_endian(value, 8)'),
        ('bool', 'rs_little_endian(value::int, 1)', 'rs_little_endian(value::int, 8)'),
        ('float8', 'reverse(float8send(value))', 'reverse(float8send(value))'),
        ('float4', 'reverse(float4send(value))', 'reverse(float8send(value))'),
        ('date', 'rs_little_endian(value - date ''2000-01-01'', 4)', 'rs_little_endian(value - date ''1970-01-01'', 8)'),
        ('timestamp', 'reverse(timestamp_send(value))',
            'rs_little_endian((extract(epoch from value) * 1000000)::bigint, 8)'),
        ('numeric', 'convert_to(value::text, ''UTF8'')', 'convert_to(value::text, ''UTF8'')'),
        ('text', 'convert_to(value, ''UTF8'')', 'convert_to(value, ''UTF8'')'),
        ('bytea', 'value', 'value')) as k (name, fnv, murmur)
    loop
        execute format('create or replace function pg_catalog.fnv_hash(value %s, seed bigint) returns bigint
            language sql immutable strict parallel safe return pg_catalog.rs_fnv(%s, seed)', kind.name, kind.fnv);
        -- the seed that FNV-1a begins with
        execute format('create or replace function pg_catalog.fnv_hash(value %s) returns bigint
            language sql immutable strict parallel safe return pg_catalog.rs_fnv(%s, -3750763034362895579)', kind.name,
            kind.fnv);
        execute format('create or replace function pg_catalog.murmur3_32_hash(value %s, seed int default 0) returns int
            language sql immutable strict parallel safe return pg_catalog.rs_murmur3(%s, seed)', kind.name, kind.murmur);
        execute format('create or replace function pg_catalog.checksum(value %s) returns int
            language sql immutable strict parallel safe
            return (pg_catalog.rs_fnv(%s, -3750763034362895579) & 2147483647)::int', kind.name, kind.fnv);
    end loop;
end $$;

-- FarmHash's 64-bit fingerprint. Words are unsigned 64 bits in a bigint; sums and products wrap around.
create or replace function pg_catalog.rs_wrap(value numeric) returns bigint
language sql immutable strict parallel safe
return (mod(mod(value, 18446744073709551616) + 27670116110564327424, 18446744073709551616) - 9223372036854775808)::bigint;
create or replace function pg_catalog.rs_mul64(a bigint, b bigint) returns bigint
language sql immutable strict parallel safe return rs_wrap(a::numeric * b);
create or replace function pg_catalog.rs_add64(variadic words bigint[]) returns bigint
language sql immutable strict parallel safe as $$ select rs_wrap(sum(word)) from unnest(words) word $$;
create or replace function pg_catalog.rs_down(word bigint, bits int) returns bigint
language sql immutable strict parallel safe
return (word >> bits) & ((1::bigint << (64 - bits)) - 1);
create or replace function pg_catalog.rs_rotate(word bigint, bits int) returns bigint
language sql immutable strict parallel safe return rs_down(word, bits) | (word << (64 - bits));
create or replace function pg_catalog.rs_mix(word bigint) returns bigint
language sql immutable strict parallel safe return word # rs_down(word, 47);
create or replace function pg_catalog.rs_fetch(value bytea, place int) returns bigint
language sql immutable strict parallel safe
return ('x' || encode(reverse(substring(value from place + 1 for 8)), 'hex'))::bit(64)::bigint;
create or replace function pg_catalog.rs_fold(u bigint, v bigint, factor bigint) returns bigint
language plpgsql immutable strict parallel safe as $$
declare
    a bigint := rs_mix(rs_mul64(u # v, factor));
begin
    return rs_mul64(rs_mix(rs_mul64(v # a, factor)), factor);
end $$;
create or replace function pg_catalog.rs_weak(value bytea, place int, a bigint, b bigint) returns bigint[]
language plpgsql immutable strict parallel safe as $$
declare
    w bigint := rs_fetch(value, place);
    x bigint := rs_fetch(value, place + 8);
    y bigint := rs_fetch(value, place + 16);
    z bigint := rs_fetch(value, place + 24);
    c bigint;
begin
    a := rs_add64(a, w);
    b := rs_rotate(rs_add64(b, a, z), 21);
    c := a;
    a := rs_add64(a, x, y);
    b := rs_add64(b, rs_rotate(a, 44));
    return array[rs_add64(a, z), rs_add64(b, c)];
end $$;

create or replace function pg_catalog.farmfingerprint64(value bytea) returns bigint
language plpgsql immutable strict parallel safe as $$
declare
    k0 constant bigint := -4348849565147123417;
    k1 constant bigint := -5435081209227447693;
    k2 constant bigint := -7286425919675154353;
    size int := length(value);
    factor bigint := rs_add64(k2, size * 2);
    a bigint; b bigint; c bigint; d bigint; e bigint; f bigint; g bigint; h bigint;
    x bigint; y bigint; z bigint; t bigint;
    v bigint[] := array[0, 0];
    w bigint[] := array[0, 0];
    place int := 0;
begin
    if size = 0 then
        return k2;
    elsif size < 4 then
        y := get_byte(value, 0) + (get_byte(value, size / 2) << 8);
        z := size + (get_byte(value, size - 1) << 2);
        return rs_mul64(rs_mix(rs_mul64(y, k2) # rs_mul64(z, k0)), k2);
    elsif size < 8 then
        a := rs_word(reverse(substring(value for 4)), 0);
        return rs_fold(rs_add64(size, a << 3), rs_word(reverse(substring(value from size - 3)), 0), factor);
    elsif size <= 16 then
        a := rs_add64(rs_fetch(value, 0), k2);
        b := rs_fetch(value, size - 8);
        c := rs_add64(rs_mul64(rs_rotate(b, 37), factor), a);
        d := rs_mul64(rs_add64(rs_rotate(a, 25), b), factor);
        return rs_fold(c, d, factor);
    elsif size <= 64 then
        a := rs_mul64(rs_fetch(value, 0), case when size <= 32 then k1 else k2 end);
        b := rs_fetch(value, 8);
        c := rs_mul64(rs_fetch(value, size - 8), factor);
        d := rs_mul64(rs_fetch(value, size - 16), k2);
        y := rs_add64(rs_rotate(rs_add64(a, b), 43), rs_rotate(c, 30), d);
        z := rs_fold(y, rs_add64(a, rs_rotate(rs_add64(b, k2), 18), c), factor);
        if size <= 32 then
            return z;
        end if;
        e := rs_mul64(rs_fetch(value, 16), factor);
        f := rs_fetch(value, 24);
        g := rs_mul64(rs_add64(y, rs_fetch(value, size - 32)), factor);
        h := rs_mul64(rs_add64(z, rs_fetch(value, size - 24)), factor);
        return rs_fold(rs_add64(rs_rotate(rs_add64(e, f), 43), rs_rotate(g, 30), h),
            rs_add64(e, rs_rotate(rs_add64(f, a), 18), g), factor);
    end if;
    y := rs_add64(rs_mul64(81, k1), 113);
    z := rs_mul64(rs_mix(rs_add64(rs_mul64(y, k2), 113)), k2);
    x := rs_add64(rs_mul64(81, k2), rs_fetch(value, 0));
    for round in 0 .. (size - 1) / 64 loop
        if round < (size - 1) / 64 then
            factor := k1;
        else
            -- the last 64 bytes, which may overlap with what went before
            factor := rs_add64(k1, (z & 255) << 1);
            place := size - 64;
            w[1] := rs_add64(w[1], (size - 1) & 63);
            v[1] := rs_add64(v[1], w[1]);
            w[1] := rs_add64(w[1], v[1]);
        end if;
        x := rs_mul64(rs_rotate(rs_add64(x, y, v[1], rs_fetch(value, place + 8)), 37), factor);
        y := rs_mul64(rs_rotate(rs_add64(y, v[2], rs_fetch(value, place + 48)), 42), factor);
        if round < (size - 1) / 64 then
            x := x # w[2];
            y := rs_add64(y, v[1], rs_fetch(value, place + 40));
        else
            x := x # rs_mul64(w[2], 9);
            y := rs_add64(y, rs_mul64(v[1], 9), rs_fetch(value, place + 40));
        end if;
        z := rs_mul64(rs_rotate(rs_add64(z, w[1]), 33), factor);
        v := rs_weak(value, place, rs_mul64(v[2], factor), rs_add64(x, w[1]));
        w := rs_weak(value, place + 32, rs_add64(z, w[2]), rs_add64(y, rs_fetch(value, place + 16)));
        t := z;
        z := x;
        x := t;
        place := place + 64;
    end loop;
    return rs_fold(rs_add64(rs_fold(v[1], w[1], factor), rs_mul64(rs_mix(y), k0), z),
        rs_add64(rs_fold(v[2], w[2], factor), x), factor);
end $$;
create or replace function pg_catalog.farmfingerprint64(value text) returns bigint
language sql immutable strict parallel safe return farmfingerprint64(convert_to(value, 'UTF8'));
