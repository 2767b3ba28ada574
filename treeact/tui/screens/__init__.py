"""The screens. Each draws a view, and says in its bindings what can be done."""
