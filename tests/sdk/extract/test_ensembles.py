"""
This module tests ensembles: votes, and the probabilities of their members.
"""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

from otel_confidence.sdk.extract import Ensemble, extractor


def test_a_forests_members_have_its_own_confidence() -> None:
    """
    The mean over a forest's trees is what scikit-learn's forest itself says.
    """
    features, truths = make_classification(200, n_informative=5, n_classes=3, random_state=0)
    forest = RandomForestClassifier(9, max_depth=3, random_state=0).fit(features, truths)
    members = [tree.predict_proba(features) for tree in forest.estimators_]

    found = extractor("members", label="members.argmax")(members)

    np.testing.assert_allclose(
        np.asarray(found.confidence), forest.predict_proba(features).max(axis=1), atol=1e-12
    )
    assert (200, "ensemble") == (found.size, found.source)


def test_spreads_by_hand() -> None:
    """
    Two members at 0.9 and 0.5 have mean 0.7, deviation 0.2, and what they disagree about.
    """
    members = {"members": [[0.9, 0.1], [0.5, 0.5]]}

    plain = extractor("members")(members)
    std = extractor("members.std")(members)
    entropy = extractor("members.max", uncertainty="members.entropy")(members)

    shared = stats.entropy([0.7, 0.3]) - (stats.entropy([0.9, 0.1]) + stats.entropy([0.5, 0.5])) / 2
    assert plain.confidence == pytest.approx(0.7)
    assert ("mutual_information", "std") == (plain.method, std.method)
    assert plain.uncertainty == pytest.approx(shared, abs=1e-12)
    assert std.uncertainty == pytest.approx(0.2)
    assert entropy.uncertainty == pytest.approx(stats.entropy([0.7, 0.3], base=2), abs=1e-12)


def test_members_may_give_logits() -> None:
    """
    Logits of the members are softened each by itself before the mean.
    """
    logits = np.array([[1.0, 2.0], [3.0, 1.0]])

    found = extractor(Ensemble(".", logits=True))(logits)

    assert found.confidence == pytest.approx(special.softmax(logits, axis=1).mean(axis=0).max())


def test_one_unsound_member_takes_its_case_only() -> None:
    """
    A case with an unsound member is refused for that member's fault, the other case stays.
    """
    sound = [[0.75, 0.25], [0.5, 0.5]]
    nan = [[float("nan"), 0.5], [0.5, 0.5]]
    heavy = [[0.9, 0.9], [0.5, 0.5]]

    for member, reason in ((nan, "invalid_value"), (heavy, "not_a_distribution")):
        found = extractor("members")({"members": [sound, member]})

        assert {reason: 1} == found.rejected
        np.testing.assert_array_equal(np.asarray(found.confidence), [np.nan, 0.5])
        np.testing.assert_array_equal(np.asarray(found.uncertainty), [np.nan, 0.0])


@pytest.mark.parametrize(
    ("votes", "confidence", "label"),
    [
        pytest.param(["a", "b", "a", "a"], 0.75, "a", id="a majority"),
        pytest.param(["b", "a"], 0.5, "b", id="a tie goes to the first"),
        pytest.param(["a", None, "a", "b"], 0.5, "a", id="an abstention counts for nobody"),
        pytest.param([None, None], 0.0, None, id="nobody voted"),
        pytest.param(Counter("aab"), pytest.approx(2 / 3), "a", id="counts"),
        pytest.param(np.array([3, 3, 1, 3]), 0.75, 3, id="an array"),
        pytest.param([1.0, float("nan")], 0.5, 1.0, id="a vote that is no number"),
        pytest.param(["a"], 1.0, "a", id="a single member"),
    ],
)
def test_votes(votes: Any, confidence: Any, label: Any) -> None:
    """
    The winner's share of all members is the confidence.
    """
    found = extractor("votes")({"votes": votes})

    assert (confidence, label, "ensemble") == (found.confidence, found.label, found.source)


def test_votes_of_members_for_many_cases() -> None:
    """
    Rows of members and columns of cases give one prediction for each case.
    """
    found = extractor("votes")([np.array([1, 2, 3]), np.array([1, 2, 4])])

    assert ([1.0, 1.0, 0.5], [1, 2, 3]) == (np.asarray(found.confidence).tolist(), found.label)


@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=30))
def test_entropy_of_votes_is_scipys(votes: list[str]) -> None:
    """
    The uncertainty of votes is their entropy to the base of the number of members.
    """
    found = extractor("votes.entropy")({"votes": votes})

    counts = list(Counter(votes).values())
    assert found.uncertainty == pytest.approx(stats.entropy(counts, base=len(votes)), abs=1e-12)


@pytest.mark.parametrize(
    ("votes", "reason"),
    [
        pytest.param([], "confidence_missing", id="no votes"),
        pytest.param({"a": 0}, "confidence_missing", id="counts of nothing"),
        pytest.param([{}], "wrong_type:list", id="labels without a hash"),
        pytest.param({"a": 0.5}, "wrong_type:dict", id="shares"),
        pytest.param("aab", "wrong_type:str", id="a text"),
        pytest.param([["a"], ["b", "c"]], "wrong_type:list", id="members of other lengths"),
    ],
)
def test_what_are_no_votes_is_refused(votes: Any, reason: str) -> None:
    """
    A value that holds no votes is counted under its reason.
    """
    assert {reason: 1} == extractor("votes")({"votes": votes}).rejected
