"""CodeAgents: plans of several roles, written in a codified language."""
