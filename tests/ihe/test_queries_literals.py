from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ihe.queries.literals import (
    MAX_VALUE,
    MAX_VALUES,
    Literal,
    MalformedLiteral,
    parse_literals,
    render_list,
    render_text,
)


def texts(value: str) -> list[str]:
    return [literal.text for literal in parse_literals(value).items]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # the Framework's forms (3.18.4.1.2.3.5)
        ("20041224", ["20041224"]),
        ("'urn:uuid:1'", ["urn:uuid:1"]),
        ("('a')", ["a"]),
        ("('a','b')", ["a", "b"]),
        ("'Children''s Hospital'", ["Children's Hospital"]),
        ("('a''','''b','''')", ["a'", "'b", "'"]),
        ("''", [""]),
        ("('a,b','(c)','d')", ["a,b", "(c)", "d"]),
        ("'NA5404^^^&1.2.3.4&ISO'", ["NA5404^^^&1.2.3.4&ISO"]),
        ("(20041224,2005)", ["20041224", "2005"]),
        # what partners send
        ("NA5404^^^&1.2.3.4&ISO", ["NA5404^^^&1.2.3.4&ISO"]),
        (" \n 'a' \t", ["a"]),
        ("\n(\n 'a' ,\n 'b'\n)\n", ["a", "b"]),
        ("\u00a0'a'\u00a0", ["a"]),
        ("Emergency Department", ["Emergency Department"]),
        ("( a b , c )", ["a b", "c"]),
        ('"a"', ["a"]),
        ('("say ""a""","it\'s")', ['say "a"', "it's"]),
        ("‘a’", ["a"]),
        ("’a’", ["a"]),
        ("‚a‘", ["a"]),
        ("“a”", ["a"]),
        ("„a“", ["a"]),
        ("(‘a’,‘b’)", ["a", "b"]),
        ("‘Children’’s Hospital’", ["Children’s Hospital"]),
        ("'it’s “so”'", ["it’s “so”"]),
        ("('a',\"b\",“c”,d)", ["a", "b", "c", "d"]),
        ("it’s", ["it’s"]),
        # nothing at all
        ("", []),
        (" \n", []),
        ("()", []),
        ("( )", []),
    ],
)
def test_a_value_is_read_as_it_was_meant(value, expected):
    assert texts(value) == expected


@pytest.mark.parametrize(
    ("value", "position", "problem"),
    [
        ("'a", 1, "not closed"),
        ("('a','b", 6, "not closed"),
        ("'a''", 1, "not closed"),
        ("‘a'", 1, "not closed"),
        ("('a'", 5, "expected ',' or ')' after a value, the value ends"),
        ("('a' 'b')", 6, "expected ',' or ')' after a value"),
        ("('a',)", 6, "expected a value, found )"),
        ("(,'a')", 2, "expected a value"),
        ("('a',,'b')", 6, "expected a value"),
        ("(", 2, "expected a value, the value ends"),
        (")", 1, "expected a value"),
        (",", 1, "expected a value"),
        ("'a','b'", 4, "parentheses around several values"),
        ("a,b", 2, "parentheses around several values"),
        ("('a')('b')", 6, "expected nothing after the value"),
        ("('a'),('b')", 6, "expected nothing after the value"),
        ("('a')x", 6, "expected nothing after the value, found x"),
        ("'a' b", 5, "expected nothing after the value"),
        ("O'Brien", 2, "quotes around a text that holds quotes"),
        ("Olsen (Kari)", 7, "quotes around a text that holds quotes or parentheses"),
        ("(('a'))", 2, "expected a value"),
        ("'a'')", 1, "not closed"),
    ],
)
def test_what_can_be_understood_in_two_ways_is_refused_at_its_place(value, position, problem):
    with pytest.raises(MalformedLiteral) as caught:
        parse_literals(value)
    assert problem in str(caught.value)
    assert caught.value.position == position


def test_each_value_knows_where_it_begins():
    assert parse_literals("( 'a''b' ,c)").items == (Literal("a'b", 3), Literal("c", 11))


def test_a_list_of_one_is_told_from_a_value():
    assert parse_literals("('a')").is_list
    assert not parse_literals("'a'").is_list


def check_place(value: str) -> None:
    """Check that a value gives literals or an error, each with a place in it."""
    try:
        positions = [literal.position for literal in parse_literals(value).items]
    except MalformedLiteral as error:
        positions = [min(error.position, len(value))] if value else []  # the end has no character
    assert all(1 <= position <= len(value) for position in positions)


@given(st.text())
@example("'" * 9)
@example("(" * 50)
@example("('" * 50)
@example("‘’“”„" * 9)
def test_any_text_gives_values_or_an_error_with_a_place(value):
    check_place(value)


@given(st.text(alphabet="'\"(),‘’“” \nab"))
def test_any_mixture_of_quotes_and_parentheses_gives_values_or_an_error(value):
    check_place(value)


def test_a_list_has_a_limited_number_of_values():
    most = ",".join(["'a'"] * MAX_VALUES)
    assert len(parse_literals(f"({most})").items) == MAX_VALUES
    with pytest.raises(MalformedLiteral, match="more than 10000 values"):
        parse_literals(f"({most},'a')")


def test_a_long_malformed_value_is_refused_at_once():
    with pytest.raises(MalformedLiteral):
        parse_literals("'" * 200_001)
    with pytest.raises(MalformedLiteral):
        parse_literals("('a'," * 100_000)
    assert texts("a" + " " * 200_000) == ["a"]
    with pytest.raises(MalformedLiteral):
        parse_literals("a" + " b" * 100_000 + "'")


@given(st.text())
def test_a_text_that_was_rendered_is_read_as_it_was(text):
    assert texts(render_text(text)) == [text]


@given(st.lists(st.text(max_size=300)))
def test_a_list_that_was_rendered_is_read_as_it_was(items):
    values = render_list(render_text(item) for item in items)
    assert [text for value in values for text in texts(value)] == items
    assert all(parse_literals(value).is_list for value in values)


@given(st.lists(st.text(max_size=120)))
def test_a_list_is_split_between_values_only_where_it_must(items):
    literals = [render_text(item) for item in items]
    values = render_list(literals)
    assert all(len(value) <= MAX_VALUE for value in values)
    for one, other in pairwise(values):
        first = render_text(texts(other)[0])
        assert len(one) + len(first) + 1 > MAX_VALUE  # it would not have fitted


def test_a_value_that_is_too_long_for_ebrim_stands_alone():
    long = render_text("x" * 256)
    assert render_list(["'a'", long, "'b'"]) == ("('a')", f"({long})", "('b')")
