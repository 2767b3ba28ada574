import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeact.planners.normalise import code_calls, code_key, parse_call, python_call

EQUAL = [
    ("x = 1", "x=1  # one"),
    ("x = 'a'", 'x = "a"'),
    ("x = u'a'", "x = 'a'"),
    ("f(1,\n  2)", "f(1, 2)"),
    ("a = 1; b = 2", "a = 1\n\nb = 2\n"),
    ("def f():\n    'Return one.'\n    return 1", "def f():\n  return 1"),
    ("class A:\n    '''An A.'''", "class A:\n    pass"),
    ("async def f():\n    'Wait.'\n    pass", "async def f(): pass"),
    ("'What this does.'\nprint(1)", "print(1)"),
    ("(x)", "x"),
    ("for x in (", "for  x\nin ("),
    ("", "# nothing"),
]
DIFFERENT = [
    ("x = 1", "x = 2"),
    ("x = 1", "x = '1'"),
    ("x = 1", "x = 1.0"),
    ("x = 1", "x = True"),
    ("f(a=1)", "f(1)"),
    ("'echoed'", ""),
    ("'echoed'", "'other'"),
    ("def f():\n    x = 'text'\n    return x", "def f():\n    return x"),
    ("for x in (", "for y in ("),
    ("forx in (", "for x in ("),
    ("print(1)\n'last'", "print(1)"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_layout_comments_and_docstrings_do_not_count(one, other):
    assert code_key(one) == code_key(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_code_does_counts(one, other):
    assert code_key(one) != code_key(other)


@pytest.mark.parametrize(
    "code", ["\x00", "\ud800 = (", "-" * 100_000 + "1", "x" + ".a" * 50_000, "('"]
)
def test_hostile_code_has_a_key_and_no_calls(code):
    assert code_key(code) == code_key(code)
    assert code_calls(code, ["x"]) == ()


def test_broken_code_is_never_equal_to_working_code():
    assert code_key("x = (").startswith("text ")
    assert code_key("x = 1").startswith("code ")


NAMES = st.sampled_from(["x", "y", "f"])
CODES = st.recursive(
    st.one_of(NAMES, st.integers().map(str), st.text(max_size=5).map(repr)),
    lambda inner: st.one_of(
        st.tuples(NAMES, inner).map(lambda pair: f"{pair[0]}({pair[1]})"),
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
    ),
    max_leaves=8,
)


@given(CODES)
@settings(deadline=None, max_examples=100)
def test_rewriting_code_from_its_tree_keeps_its_key(expression):
    code = f"y = {expression}  # as drawn"
    rewritten = ast.unparse(ast.parse(code))
    assert code_key(rewritten) == code_key(code)
    assert code_calls(rewritten, "xyf") == code_calls(code, "xyf")


CALLS = [
    ("search('a')\nread('b')", ("search", "read")),
    ("print(read(search('a')))", ("search", "read")),
    ("a = search('é'); b = read(a)", ("search", "read")),
    ("for q in qs:\n    search(q)\nelse:\n    read(q)", ("search", "read")),
    ("[read(x) for x in xs]", ("read",)),
    ("def helper(q):\n    return search(q)\nhelper('a')", ("search",)),
    ("if search('a') and read('b'):\n    search('c')", ("search", "read", "search")),
    ("web.search('a')", ()),
    ("search", ()),
    ("search = search('a')\nsearch('b')", ("search",)),
    ("def search(q):\n    return q\nsearch('a')", ()),
    ("def helper(search):\n    search('a')", ()),
    ("from web import search\nsearch('a')", ()),
    ("import read.deep\nread('a')", ()),
    ("import a as search\nread(search('a'))", ("read",)),
    ("for search in xs:\n    search()", ()),
    ("search(", ()),
    ("", ()),
]


@pytest.mark.parametrize(("code", "calls"), CALLS)
def test_calls(code, calls):
    assert code_calls(code, ("search", "read")) == calls


def test_nested_and_flat_code_call_the_same_sequence():
    flat = "a = search('x')\nb = read(a)\nsave(b)"
    assert code_calls("save(read(search('x')))", ("search", "read", "save")) == code_calls(
        flat, ("search", "read", "save")
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "go()"),
        ({"to": "home", "n": 2}, "go(to='home', n=2)"),
        ({"not a name": 1}, "go(**{'not a name': 1})"),
        ({"class": 1}, "go(**{'class': 1})"),
        ({"x": [None, {"a": 'it\'s "so"'}]}, None),
    ],
)
def test_python_call_is_python(arguments, text):
    call = python_call("go", arguments)
    assert text is None or call == text
    assert eval(call, {"go": lambda **given: given}) == arguments


LITERALS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.text("abc_", min_size=1),
    st.lists(LITERALS, max_size=3),
    st.dictionaries(st.text(max_size=5), LITERALS, max_size=3),
)
def test_a_call_that_was_written_is_read_back(name, args, named):
    assert parse_call(python_call(name, named, args)) == (name, args, named)


@pytest.mark.parametrize(
    "text",
    ["", "f", "f(", "a.f()", "f(x)", "f(g())", "f(*[1])", "f({[]: 1})", "f(**3)", "f(**{})()",
     "f(1)\nf(2)", "f(" * 5000, "\x00", "lambda: 1", "f(x=__import__('os'))"],
)  # fmt: skip
def test_what_is_no_call_with_literals_is_not_read(text):
    assert parse_call(text) is None
