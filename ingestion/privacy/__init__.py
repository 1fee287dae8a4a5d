"""What a person may ask of us: to be forgotten, everywhere and for good. docs/privacy.md says how, and why so.

`identifiers` knows how one value is written in several ways, and hashes it; `subject` finds everything that leads to a
person; `erase` removes it and writes the receipt; `suppression` keeps a file that is sent again from bringing her back.
"""
