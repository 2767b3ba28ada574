"""TreeAct: agents that act in Python, planners that search over live, forkable code state."""
