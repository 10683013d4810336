"""Which target is called best: by the scores its pairs rest on, and only where every pair is decided."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import test_analysing as filled
import test_quality_number as sampled
from command import Command
from sqlalchemy import Engine

from dashboard import quality_tables as tables
from db import store
from eval.best_words import best_words, contenders, shares_words
from eval.comparing import Compared, compare, decided_best
from eval.stats.best import Best
from eval.stats.comparison import Comparison, Outcome


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = store.connect(f"sqlite:///{(tmp_path / 'best.db').as_posix()}")
    yield engine
    engine.dispose()


def compared(outcomes: tuple[Outcome, Outcome, Outcome], best: Best | None = None) -> Compared:
    """Three targets with these verdicts on a and b, a and c, b and c."""
    names = (("a", "b"), ("a", "c"), ("b", "c"))
    pairs = [Comparison(*pair, 40, outcome, outcome) for pair, outcome in zip(names, outcomes, strict=True)]
    targets = ("a", "b", "c")
    found = best or Best({"a": 0.7, "b": 0.3, "c": 0.0}, 40)
    return Compared("overall", "j", targets, 40, pairs, found, (), "j (judge only, not calibrated)",
                    decided_best(targets, pairs))  # fmt: skip


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        (("better", "better", "not decisive"), "Best: a, better than b and c, by j (judge only, not calibrated)."),
        (("worse", "not decisive", "better"), "Best: b, better than a and c, by j (judge only, not calibrated)."),
        (("not decisive", "better", "better"), "Which is best is open between a and b,"),
        (("better", "not decisive", "not decisive"), "Which is best is open between a and c,"),
        (("not decisive", "no comparison", "not decisive"), "Which is best is open between a, b and c,"),
        (("better", "worse", "better"), "Which is best is open between a, b and c,"),
        (("no comparison", "no comparison", "no comparison"), ""),
    ],
)
def test_a_target_is_called_best_only_where_every_pair_says_so(
    outcomes: tuple[Outcome, Outcome, Outcome], said: str
) -> None:
    found = compared(outcomes)
    assert best_words(found).startswith(said)
    assert bool(said) == bool(best_words(found))
    assert found.decided_best is None or contenders(found) == [found.decided_best]


def test_shares_are_told_as_no_test_and_not_of_few_questions() -> None:
    found = compared(("not decisive", "better", "better"))
    assert "Highest, had the questions been others of their kind: a 70 %, b 30 %, c 0 %" in shares_words(found)
    assert "no test" in shares_words(found)
    assert shares_words(replace(found, best=Best(found.best.probability, 4))) == ""
    assert shares_words(replace(found, best=Best({}, 0))) == ""


def test_where_people_scored_a_sample_the_best_is_that_of_the_numbers_shown(rightsize: Command, engine: Engine) -> None:
    """The judge's means say the opposite of what people scored of a random sample of both."""
    runs = filled.biased_for_the_worse(engine)
    (found,) = compare(runs, engine, criterion="overall")
    assert found.decided_best == "one"
    assert found.best.probability["one"] > 0.99
    assert found.best.n == filled.N  # the numbers stand for all questions, people's plain means for those they scored
    assert found.rests_on.startswith("people")
    said = tables.best_sentence(found).replace("\\", "").replace("\u2060", "")
    assert said.startswith(f"Best: one, better than two, by {found.rests_on}.")
    told = " ".join(rightsize("compare", "1", "2", "--db", str(engine.url.database)).err.split())
    assert "Best: one, better than two, by people" in told
    (by_judge,) = compare(runs, engine, criterion="overall", source="test-judge (quick)")
    assert best_words(by_judge) == (
        "Which is best is open between one and two, by test-judge (quick) (judge only, not calibrated)."
    )
    assert shares_words(by_judge) == ""


def test_where_people_scored_one_target_alone_no_share_mixes_both_kinds_of_scores(engine: Engine) -> None:
    with store.writing(engine) as session:
        one, its = sampled.a_run(session)
        two, theirs = sampled.a_run(session)
        three, _ = sampled.a_run(session)
        sampled.score(its, sampled.drawn(one, 14, session), session)
        sampled.score(theirs, sampled.drawn(two, 14, session), session)
    (found,) = compare([one, two, three], engine, criterion="overall")
    assert {pair.n_people is None for pair in found.pairs} == {True, False}
    assert shares_words(found) == ""
    assert "judge only, not calibrated" in best_words(found)
