"""PoAct: a policy chosen for each step, over actions selected for it."""
