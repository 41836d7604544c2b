"""Orders that were seen: kept by the smallest correction, and only for materials like those."""

from dataclasses import replace

import pytest
import torch

from ionfront.models.kinetics_features import FEATURES
from ionfront.training.orders_seen import OrderedPairs, OrdersSeen

POTENTIAL, SIZE, CONCAVE = (FEATURES.index(name) for name in ("potential [V]", "size [log nm]", "open_concave"))


def material(potential, size=0.0, count=5):
    features = torch.zeros(count, len(FEATURES))
    features[:, POTENTIAL], features[:, SIZE] = potential, size
    return features


def pairs(lead, least=0.0, most=torch.inf):
    told = (torch.full((5,), float(value)) for value in (lead, least, most))
    return OrderedPairs(material(1.0), material(2.0), *told)


def fitted(told, weight=1.0):
    seen, nothing = OrdersSeen(), torch.zeros(5)
    seen.fit(told, (nothing, nothing), weight)
    return seen


def lead(seen, told):
    return float((told.lead + (seen(told.faster) - seen(told.slower))[:, 0]).mean())


def test_nothing_is_added_before_a_fit():
    assert OrdersSeen()(material(1.0)).abs().max() == 0


def test_a_broken_order_is_mended_by_half_on_either_side():
    told = pairs(-1.0)
    seen = fitted(told)
    assert lead(seen, told) > -0.05
    assert seen(told.faster)[0].item() == pytest.approx(-seen(told.slower)[0].item(), abs=1e-3)


def test_an_order_that_holds_asks_for_next_to_nothing():
    assert fitted(pairs(1.0))(material(1.0)).abs().max() < 0.01


def test_a_lead_is_kept_between_what_was_seen():
    for wrong in (-1.0, 3.0):
        told = pairs(wrong, least=0.5, most=1.0)
        assert 0.4 < lead(fitted(told), told) < 1.1


def test_residuals_of_the_networks_count_as_physics_do():
    seen, told = OrdersSeen(), pairs(-1.0)
    seen.fit(told, (torch.full((5,), 2.0), torch.zeros(5)), 1.0)
    assert seen(told.faster).abs().max() < 0.01


def test_other_materials_do_not_feel_it_and_other_experiments_do():
    seen = fitted(pairs(-1.0))
    assert seen(material(3.0)).abs().max() < 1e-3
    assert torch.equal(seen(material(1.0, size=2.0)), seen(material(1.0)))


def test_where_one_front_is_concave_the_shape_gets_the_credit():
    told = pairs(-1.0)
    concave, flat = told.faster.clone(), told.faster.clone()
    concave[:, CONCAVE] = 3.0
    seen = fitted(replace(told, faster=concave))
    assert seen(concave).min() > 0.9
    assert seen(told.slower).abs().max() < 1e-3
    assert seen(flat).abs().max() < 1e-3


def test_without_weight_nothing_is_asked_for():
    assert fitted(replace(pairs(-1.0)), weight=0.0)(material(1.0)).abs().max() < 1e-3
