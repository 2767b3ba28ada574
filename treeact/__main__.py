"""`python -m treeact` is the `treeact` command."""

from treeact.cli import main

main()
