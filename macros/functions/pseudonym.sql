{#- Two keyed hashes, one inside the other, as HMAC has them. Each key is 64 letters, a whole block of SHA-256: nothing
    can be appended to what was hashed, and nobody without the keys can try out identifiers. -#}
select {{ sha256_hex('$3 || ' ~ sha256_hex('$2 || $1')) }}
