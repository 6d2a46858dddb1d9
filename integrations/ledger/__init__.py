"""The money of every paid request to a vendor: a look-up, a text message.

A purchase is three short transactions with one HTTP request between them:

    1. reserve   `admission.admit`, then `reservation.reserve`: the money against every cap, a slot, a row per request
    2. intend    `sending.intend` commits that the request is being sent, if its payer still wants it
    3. send      `sending.carry_out`: one HTTP request, outside any transaction
    4. end       `settlement.settle` or `settlement.fail`: the charge and the audit, if the call is still this worker's

`execution.execute` does 2 to 4 for every payer. `calls` ends a call in any other way: its worker died, an operator
decided. The ledger imports no bought facts: a room that stores rows under a call registers in `dependents`.

docs/locks.md has the order of locks: operation, vendor, run, call, budgets, then the payer's other rows.
"""
