"""The codified language: plans in a small, typed and bounded part of Python's syntax.

After CodeAgents (arXiv 2507.03254), which puts tasks, plans, feedback and roles into modular
pseudo-code with typed variables. Little code of the original is public: the language, its checks
and its execution are a reconstruction from the paper's description. See `docs/codified.md`.

| Module | Its one concern |
|---|---|
| `nodes` | the abstract syntax |
| `parser`, `expressions` | from text to syntax |
| `checker`, `infer` | what is wrong before anything runs |
| `types`, `values`, `functions`, `signatures` | what there is |
| `evaluate` | the value of an expression |
| `dependencies`, `scheduler`, `blocks` | which steps run when, and running them |
| `state`, `feedback` | what was executed, and what a replanner is told |
| `render`, `narrate` | from plan to text, and to English |
"""
