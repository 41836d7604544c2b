import pytest

from ionfront.core import DEFAULT_SCHEME, PhaseScheme, Transition, UsageError


def test_order_ids_are_label_ids_in_reaction_order():
    scheme = PhaseScheme(("background", "product", "between", "host"), ("host", "between", "product"))
    assert scheme.order_ids == (3, 2, 1)
    assert scheme.count == 4
    assert [scheme.names[i] for i in scheme.order_ids] == list(scheme.reaction_order)


def test_a_scheme_without_a_reaction_is_allowed():
    assert PhaseScheme(("background", "grain")).order_ids == ()


@pytest.mark.parametrize("names", [(), ("background",), ("background", "a", "a")])
def test_names_must_be_two_or_more_and_differ(names):
    with pytest.raises(UsageError, match="each once"):
        PhaseScheme(names)


@pytest.mark.parametrize("order", [("a", "lost"), ("a", "b", "a")])
def test_the_order_must_name_known_phases_once(order):
    with pytest.raises(UsageError, match="reaction order"):
        PhaseScheme(("background", "a", "b"), order)


def test_the_default_scheme_keeps_background_out_of_the_reaction():
    assert DEFAULT_SCHEME.names[0] == "background"
    assert 0 not in DEFAULT_SCHEME.order_ids


def test_a_transition_reads_as_an_arrow():
    assert str(Transition("pristine", "converted")) == "pristine->converted"
