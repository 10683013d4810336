"""How answers are drawn: every promise of a design holds in every draw, and its probabilities are those that occur."""

from collections import Counter
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.drawing import (
    MAX_BANDS,
    MIN_DRAWN,
    Allocation,
    Drawn,
    Stratum,
    Unit,
    by_spread,
    draw,
    mark_doubles,
    one_stratum,
    rounded_at_random,
    stratified,
)

NAMES = {1: "#1 small", 2: "#2 large"}


def units_of(scores: dict[int, Sequence[float | None]], repeats: int = 1) -> list[Unit]:
    """Units with answer ids of their own: run -> the judge's score of each question."""
    found: list[Unit] = []
    for run_id, values in scores.items():
        for question_id, value in enumerate(values, 1):
            first = run_id * 10_000 + question_id * 10
            found.append(Unit(run_id, question_id, tuple(range(first, first + repeats)), value))
    return found


POPULATIONS = st.dictionaries(
    st.sampled_from([1, 2]),
    st.lists(st.one_of(st.none(), st.integers(1, 5).map(float)), min_size=1, max_size=40),
    min_size=1,
)


@given(POPULATIONS, st.integers(1, 3), st.integers(1, 300), st.sampled_from([None, *Allocation]), st.integers(0, 99))
@settings(max_examples=200, deadline=None)
def test_every_draw_has_its_size_no_answer_twice_and_a_probability_above_0(
    scores: dict[int, list[float | None]], repeats: int, size: int, allocation: Allocation | None, seed: int
):
    units, rng = units_of(scores, repeats), Random(seed)
    size = min(size, len(units) * repeats)
    strata = stratified(units, NAMES, size, allocation, rng) if allocation else one_stratum(units, size)
    drawn = draw(strata, size, 0.1, rng)
    ids = [one.answer_id for one in drawn]
    assert len(ids) == len(set(ids)) == size
    assert set(ids) <= {answer_id for unit in units for answer_id in unit.answer_ids}
    assert all(one.probability is not None and 0 < one.probability <= 1 for one in drawn)
    assert sorted(u.answer_ids for s in strata for u in s.units) == sorted(u.answer_ids for u in units)
    if size <= len(units):
        questions = {unit.answer_ids: 0 for unit in units}
        for unit in units:
            questions[unit.answer_ids] += len(set(unit.answer_ids) & set(ids))
        assert set(questions.values()) <= {0, 1}, "no question twice while there are others"
    else:
        assert all(not set(unit.answer_ids).isdisjoint(ids) for unit in units)


def occurring(units: list[Unit], size: int, allocation: Allocation | None, draws: int) -> dict[int, float]:
    """How often each question's unit is drawn, by the place of the unit."""
    count: Counter[int] = Counter()
    of = {answer_id: i for i, unit in enumerate(units) for answer_id in unit.answer_ids}
    for seed in range(draws):
        rng = Random(seed)
        strata = stratified(units, NAMES, size, allocation, rng) if allocation else one_stratum(units, size)
        count.update(of[one.answer_id] for one in draw(strata, size, 0.1, rng))
    return {i: count[i] / draws for i in range(len(units))}


UNEVEN = {1: [1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5], 2: [None, None, 5, 5, 5, 5, 5, 5, 5, 4, 4]}


@pytest.mark.parametrize("allocation", [None, Allocation.proportional])
def test_every_question_is_as_likely_as_any_other(allocation: Allocation | None):
    units = units_of(UNEVEN, repeats=2)
    found = occurring(units, 12, allocation, 4000)
    assert all(abs(share - 12 / len(units)) < 0.04 for share in found.values())


def test_by_spread_the_stored_probability_is_the_share_of_the_stratum():
    units = units_of(UNEVEN)
    strata = stratified(units, NAMES, 14, Allocation.spread, Random(1))
    found = occurring(units, 14, Allocation.spread, 3000)
    places = {unit.answer_ids: i for i, unit in enumerate(units)}
    for stratum in strata:
        assert stratum.probability == stratum.n_drawn / len(stratum.units)
        assert all(abs(found[places[unit.answer_ids]] - stratum.probability) < 0.05 for unit in stratum.units)


def test_each_repeat_of_a_drawn_question_is_as_likely():
    units = units_of({1: [3.0] * 10}, repeats=4)
    count = Counter(
        one.answer_id % 10 for seed in range(1500) for one in draw(one_stratum(units, 5), 5, 0, Random(seed))
    )
    assert all(abs(n / (1500 * 5) - 1 / 4) < 0.02 for n in count.values())


def test_strata_are_targets_cut_by_the_judges_score():
    units = units_of({1: [1] * 8 + [3] * 8 + [5] * 8, 2: [4] * 24})
    strata = stratified(units, NAMES, 30, Allocation.proportional, Random(1))
    assert [(s.name, len(s.units)) for s in strata] == [
        ("#1 small, judge 1", 8),
        ("#1 small, judge 3", 8),
        ("#1 small, judge 5", 8),
        ("#2 large", 24),
    ]


@given(POPULATIONS, st.integers(1, 80), st.integers(0, 9))
@settings(max_examples=200, deadline=None)
def test_equal_scores_share_a_stratum_and_small_strata_join(
    scores: dict[int, list[float | None]], size: int, seed: int
):
    units = units_of(scores)
    strata = stratified(units, NAMES, size, Allocation.proportional, Random(seed))
    of_run = Counter(s.units[0].run_id for s in strata)
    assert max(of_run.values()) <= MAX_BANDS + 1
    for stratum in strata:
        assert len({unit.run_id for unit in stratum.units}) == 1
        if of_run[stratum.units[0].run_id] > 1:
            assert min(size, len(units)) * len(stratum.units) / len(units) >= 5 - 1e-9
    for run_id in scores:
        places = [{u.judge for u in s.units} for s in strata if s.units[0].run_id == run_id]
        assert sum(map(len, places)) == len(set.union(*places)), "no score is in two strata"


def test_more_is_drawn_where_more_spread_is_expected():
    units = units_of({1: [1, 2, 3, 4, 5] * 8, 2: [5] * 40})
    strata = stratified(units, NAMES, 40, Allocation.spread, Random(1))
    by_run = {run: sum(s.n_drawn for s in strata if s.units[0].run_id == run) for run in (1, 2)}
    assert by_run[1] > by_run[2]


# --- how many of each ---------------------------------------------------------------------------------------------


def test_neymans_allocation_in_closed_form():
    """Of n draws a stratum gets n N S / sum(N S): 300 x 2, 600 x 4 and 100 x 20 share 50 as 6, 24 and 20."""
    assert by_spread([300, 600, 100], [2, 4, 20], 50) == [6, 24, 20]
    assert by_spread([300, 600, 10], [2, 4, 200], 50) == [8, 32, 10]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=9), st.integers(0, 200), st.randoms(use_true_random=False))
def test_an_allocation_sums_up_and_gives_no_stratum_more_than_it_holds(sizes: list[int], n: int, rng: Random):
    drawn = by_spread(sizes, [rng.uniform(0.1, 3) for _ in sizes], n)
    assert sum(drawn) == min(n, sum(sizes))
    assert all(0 <= k <= size for k, size in zip(drawn, sizes, strict=True))
    if n >= MIN_DRAWN * len(sizes):
        assert all(k >= min(MIN_DRAWN, size) for k, size in zip(drawn, sizes, strict=True))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=9), st.integers(1, 200), st.randoms(use_true_random=False))
def test_rounding_at_random_is_off_by_less_than_one_and_sums_up(sizes: list[int], n: int, rng: Random):
    n = min(n, sum(sizes))
    shares = [n * size / sum(sizes) for size in sizes]
    drawn = rounded_at_random(shares, rng)
    assert sum(drawn) == n
    assert all(abs(k - share) < 1 and k <= size for k, share, size in zip(drawn, shares, sizes, strict=True))


def test_rounding_needs_a_whole_sum():
    with pytest.raises(ValueError, match=r"sum to 1\.5"):
        rounded_at_random([1.0, 0.5], Random(1))


# --- the order and the second opinions ----------------------------------------------------------------------------


def test_any_beginning_of_a_sample_is_spread_over_its_strata():
    strata = [Stratum(name, tuple(units_of({run: [3.0] * 30})), 20, 2 / 3) for run, name in ((1, "a"), (2, "b"))]
    for seed in range(50):
        order = [one.stratum for one in draw(strata, 40, 0, Random(seed))]
        for n in range(2, 41):
            assert abs(order[:n].count("a") - n / 2) <= 2


@given(st.integers(0, 300), st.floats(0, 1), st.integers(0, 9))
def test_the_share_of_second_opinions_is_kept_and_evenly_spread(n: int, share: float, seed: int):
    marked = [one.double for one in mark_doubles([Drawn(i, "", 0.5) for i in range(n)], share, Random(seed))]
    assert abs(sum(marked) - share * n) <= 0.5 + 1e-9
    if sum(marked):
        step = n / sum(marked)
        assert all(abs(sum(marked[:i]) - i / step) <= 1 for i in range(n + 1))


def test_every_answer_is_as_likely_to_get_a_second_opinion():
    count: Counter[int] = Counter()
    for seed in range(3000):
        marked = mark_doubles([Drawn(i, "", 0.5) for i in range(25)], 0.2, Random(seed))
        count.update(one.answer_id for one in marked if one.double)
    assert all(abs(count[i] / 3000 - 0.2) < 0.03 for i in range(25))


@pytest.mark.parametrize("share", [-0.1, 1.01])
def test_a_share_that_is_none_is_refused(share: float):
    with pytest.raises(ValueError, match="not between 0 and 1"):
        mark_doubles([], share, Random(1))


def test_the_same_seed_draws_the_same():
    units = units_of(UNEVEN)

    def drawn(seed: int) -> list[Drawn]:
        rng = Random(seed)
        return draw(stratified(units, NAMES, 12, Allocation.proportional, rng), 12, 0.2, rng)

    assert drawn(7) == drawn(7) != drawn(8)
