"""The terminal interface: screens that read the events of runs, and control runs through commands.

`views/` is what screens show, in plain Python; `screens/` and `widgets/` draw it with Textual.
"""
