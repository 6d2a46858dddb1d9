"""Look-ups: facts that are bought once for everybody. They import the ledger, which imports none of them.

`gate` serves owned answers and reserves the rest; `answers` stores them; `owned` finds them; `names` knows a property
under all its names; `reveals` and `pushes` are the phones that Apollo delivers after its answer.
"""
