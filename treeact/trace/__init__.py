"""Events, the run directory, budgets and the usage ledger."""
