"""handouts.py: who gets which answer next, never two by accident, never lost, also with many processes at once."""

import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import peopled
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from peopled import draw, draws, person, save, score_all, take
from plans import plans, statements
from sqlalchemy import Engine
from sqlmodel import Session, select

from db import handouts, store
from db.handouts import BLOCK, LEASE, Handed
from db.models import Assessment, Design, Handout, Rater, now

N = 2 * 5  # two runs, six questions, the first failed

template, engine = peopled.fixtures()


def skip(engine: Engine, handed: Handed, name: str = "Anna") -> None:
    with store.writing(engine) as session:
        handouts.skip(handed.handout_id, person_id(name, session), session=session)


def person_id(name: str, session: Session) -> int:
    return session.exec(select(Rater.id).where(Rater.name == name)).one() or 0


def given_to(engine: Engine, name: str) -> list[int]:
    """The answers a person scored, in the order they got them."""
    with store.reading(engine) as session:
        query = select(Assessment.answer_id).join(Rater).where(Rater.name == name).order_by(Assessment.id)  # type: ignore
        return list(session.exec(query))


def progress(engine: Engine, sample_id: int) -> handouts.Progress:
    with store.reading(engine) as session:
        return handouts.get_progress(sample_id, session=session)


# --- one person ---------------------------------------------------------------------------------------------------


def test_one_person_gets_every_answer_once_and_then_nothing(engine: Engine):
    sample_id = draw(engine)
    done = score_all(engine, sample_id)
    assert sorted(one.answer_id for one in done) == sorted(one.answer_id for one in draws(engine, sample_id))
    assert [one.place for one in done] == list(range(1, N + 1))
    assert progress(engine, sample_id) == handouts.Progress(N, N, 1, 0)


def test_asked_again_one_gets_the_same_answer_until_it_is_scored(engine: Engine):
    sample_id = draw(engine)
    first = take(engine, sample_id)
    assert first == take(engine, sample_id)
    assert first
    save(engine, first)
    assert take(engine, sample_id) != first


def test_the_order_of_one_sample_is_another_for_every_person_and_runs_are_mixed(engine: Engine, tmp_path: Path):
    """The same draws in each person's copy of the database, so that nothing but the person can change the order."""
    names = ("Anna", "Berta", "Carl", "Dora")
    raters = {person(engine, name) for name in names}
    sample_id = draw(engine, double_share=0)
    orders = {}
    for name in names:
        own = peopled.copy(Path(engine.url.database or ""), tmp_path / f"{name}.db")
        orders[name] = [one.answer_id for one in score_all(own, sample_id, name)]
        own.dispose()
    drawn = [one.answer_id for one in draws(engine, sample_id)]
    assert len(raters) == len({tuple(order) for order in orders.values()}) == len(names)
    assert all(sorted(order) == sorted(drawn) for order in orders.values())
    assert all(order != drawn and order != sorted(order) for order in orders.values())


def test_what_is_scored_first_is_what_was_drawn_first(tmp_path: Path):
    """Shuffled within blocks only: a sample that is scored in part is a smaller sample, in dispute the widest first."""
    peopled.make(tmp_path / "more.db", questions=16)
    more = store.connect(f"sqlite:///{tmp_path / 'more.db'}")
    sample_id = draw(more, size=BLOCK + 5, double_share=0)
    done = [one.draw_id for one in score_all(more, sample_id)]
    assert set(done[:BLOCK]) == {one.id for one in draws(more, sample_id)[:BLOCK]}
    more.dispose()


def test_what_was_skipped_comes_back_at_the_end(engine: Engine):
    sample_id = draw(engine)
    first = take(engine, sample_id)
    assert first
    skip(engine, first)
    done = score_all(engine, sample_id)
    assert done[-1].answer_id == first.answer_id
    assert len(done) == N


def test_skipping_the_last_one_brings_it_back(engine: Engine):
    sample_id = draw(engine, size=1)
    first = take(engine, sample_id)
    assert first
    skip(engine, first)
    again = take(engine, sample_id)
    assert again
    assert again.answer_id == first.answer_id


def test_what_is_scored_cannot_be_skipped(engine: Engine):
    sample_id = draw(engine, size=1)
    handed = take(engine, sample_id)
    assert handed
    save(engine, handed)
    skip(engine, handed)
    assert take(engine, sample_id) is None
    assert progress(engine, sample_id).n_done == 1


# --- several people -----------------------------------------------------------------------------------------------


def test_two_people_share_the_answers_and_none_is_handed_to_both(engine: Engine):
    sample_id = draw(engine, double_share=0)
    for _ in range(N // 2):
        hands = [take(engine, sample_id, name) for name in ("Anna", "Berta")]
        assert hands[0]
        assert hands[1]
        assert hands[0].answer_id != hands[1].answer_id
        for name, handed in zip(("Anna", "Berta"), hands, strict=True):
            save(engine, handed, name=name)
    assert take(engine, sample_id, "Anna") is None
    assert take(engine, sample_id, "Berta") is None
    both = given_to(engine, "Anna") + given_to(engine, "Berta")
    assert sorted(both) == sorted(one.answer_id for one in draws(engine, sample_id))


def test_an_answer_marked_double_goes_to_a_second_person_once_the_first_is_done_and_to_no_third(engine: Engine):
    sample_id = draw(engine, double_share=1, size=1)
    first = take(engine, sample_id, "Anna")
    assert first
    assert take(engine, sample_id, "Berta") is None, "the first opinion comes first"
    save(engine, first)
    assert take(engine, sample_id, "Anna") is None, "nobody is their own second opinion"
    second = take(engine, sample_id, "Berta")
    assert second
    assert second.answer_id == first.answer_id
    assert take(engine, sample_id, "Carl") is None
    save(engine, second, name="Berta")
    assert take(engine, sample_id, "Carl") is None
    assert progress(engine, sample_id) == handouts.Progress(1, 1, 1, 1)


def test_the_double_share_is_what_is_scored_twice(engine: Engine):
    sample_id = draw(engine, double_share=0.3)
    while any(
        (handed := take(engine, sample_id, name)) and save(engine, handed, name=name) for name in ("Anna", "Berta")
    ):
        pass
    score_all(engine, sample_id, "Berta")
    score_all(engine, sample_id, "Anna")
    count = Counter(given_to(engine, "Anna") + given_to(engine, "Berta"))
    assert Counter(count.values()) == {1: N - 3, 2: 3}
    assert {answer for answer, n in count.items() if n == 2} == {
        one.answer_id for one in draws(engine, sample_id) if one.double
    }


def test_what_somebody_skipped_goes_to_others_when_nothing_fresh_is_left(engine: Engine):
    sample_id = draw(engine, size=2, double_share=0)
    first = take(engine, sample_id, "Anna")
    assert first
    skip(engine, first)
    for_berta = take(engine, sample_id, "Berta")
    assert for_berta
    assert for_berta.answer_id != first.answer_id
    save(engine, for_berta, name="Berta")
    again = take(engine, sample_id, "Berta")
    assert again
    assert again.answer_id == first.answer_id
    assert take(engine, sample_id, "Anna") is None


def test_what_is_held_too_long_is_free_again_and_a_late_score_is_not_lost(engine: Engine):
    sample_id = draw(engine, size=1, double_share=0)
    held = take(engine, sample_id, "Anna")
    assert held
    at = now()
    assert take(engine, sample_id, "Berta", at=at + LEASE - timedelta(minutes=1)) is None
    taken = take(engine, sample_id, "Berta", at=at + LEASE + timedelta(minutes=1))
    assert taken
    assert taken.answer_id == held.answer_id
    save(engine, held, name="Anna")
    assert progress(engine, sample_id).n_done == 0, "Berta has not scored it yet"
    save(engine, taken, name="Berta")
    assert given_to(engine, "Anna") == given_to(engine, "Berta") == [held.answer_id]
    with store.reading(engine) as session:
        assert handouts.get_handed(held.handout_id, sample_id, person_id("Anna", session), session=session) is None


def test_what_is_released_is_free_at_once_but_stays_ones_own_until_somebody_takes_it(engine: Engine):
    sample_id = draw(engine, size=1)
    held = take(engine, sample_id, "Anna")
    assert held
    with store.writing(engine) as session:
        handouts.release(held.handout_id, person_id("Anna", session), session=session)
    assert take(engine, sample_id, "Anna") == held, "and is held again"
    with store.writing(engine) as session:
        handouts.release(held.handout_id, person_id("Anna", session), session=session)
    taken = take(engine, sample_id, "Berta")
    assert taken
    assert taken.answer_id == held.answer_id
    assert take(engine, sample_id, "Anna") is None


def test_looking_at_an_answer_again_keeps_it(engine: Engine):
    sample_id = draw(engine, size=1)
    later = now() + LEASE / 2
    held = take(engine, sample_id, "Anna")
    assert take(engine, sample_id, "Anna", at=later) == held
    assert take(engine, sample_id, "Berta", at=later + LEASE / 2 + timedelta(minutes=1)) is None


def test_a_handout_of_another_sample_is_none_of_this_one(engine: Engine):
    held = take(engine, draw(engine))
    other = draw(engine)
    assert held
    with store.reading(engine) as session:
        assert handouts.get_handed(held.handout_id, other, person_id("Anna", session), session=session) is None


def test_who_scored_how_many_and_when(engine: Engine):
    sample_id = draw(engine, double_share=1, size=3)
    score_all(engine, sample_id, "Anna")
    handed = take(engine, sample_id, "Berta")
    assert handed
    save(engine, handed, name="Berta")
    take(engine, sample_id, "Carl")
    with store.reading(engine) as session:
        shares = handouts.list_shares(sample_id, session=session)
    assert [(one.name, one.n, one.n_second) for one in shares] == [("Anna", 3, 0), ("Berta", 1, 1)]
    assert all(timedelta(0) <= now() - one.last < timedelta(minutes=5) for one in shares)


def test_what_one_had_before_is_found_and_what_was_skipped_is_not(engine: Engine):
    sample_id = draw(engine, size=4)
    first = take(engine, sample_id)
    assert first
    save(engine, first)
    skipped = take(engine, sample_id)
    assert skipped
    skip(engine, skipped)
    held = take(engine, sample_id)
    assert held
    with store.reading(engine) as session:
        anna = person_id("Anna", session)
        before = handouts.get_before(sample_id, anna, held.place, session=session)
        assert before
        assert (before.handout_id, before.done) == (first.handout_id, True)
        assert handouts.get_before(sample_id, anna, first.place, session=session) is None
        assert handouts.get_before(sample_id, anna, None, session=session) == held
        assert handouts.count_done(sample_id, anna, session=session) == 1
        assert handouts.find_handed(held.draw_id, anna, session=session) == held
        assert handouts.find_handed(skipped.draw_id, anna, session=session) is None
        assert handouts.find_handed(held.draw_id, anna + 1, session=session) is None


def test_the_next_answer_is_found_through_indexes(engine: Engine):
    sample_id = draw(engine, double_share=0.5)
    for name in ("Anna", "Berta"):
        handed = take(engine, sample_id, name)
        assert handed
        save(engine, handed, name=name)
    rater_id = person(engine, "Anna")
    with statements(engine) as sent, store.writing(engine) as session:
        handouts.next_handout(sample_id, rater_id, session=session)
        handouts.get_progress(sample_id, session=session)
        handouts.list_shares(sample_id, session=session)
        handouts.get_before(sample_id, rater_id, None, session=session)
        handouts.count_done(sample_id, rater_id, session=session)
    found = plans(engine, sent)
    assert any("SEARCH draw USING INDEX ix_draw_sample (sample_id=?)" in plan for plan in found)
    assert any("SEARCH handout_1 USING INDEX sqlite_autoindex" in plan for plan in found), "the other turn, by its draw"
    assert not [plan for plan in found if "SEARCH handout_1 USING INDEX ix_handout_rater" in plan]
    for plan in found:
        for table in ("draw", "handout", "handout_1", "answer", "assessment"):
            assert f"SCAN {table}" not in plan, plan


# --- whatever people do, in any order -----------------------------------------------------------------------------


class Several(RuleBasedStateMachine):
    """Three people take, score, skip, undo nothing, and let answers lie, in any order."""

    engine: Engine
    template: Path
    folder: Path
    count = 0

    @initialize(share=st.sampled_from([0.0, 0.3, 1.0]), design=st.sampled_from([Design.random, Design.stratified]))
    def begin(self, share: float, design: Design):
        Several.count += 1
        self.engine = peopled.copy(self.template, self.folder / f"{Several.count}.db")
        self.sample_id = draw(self.engine, double_share=share, design=design)
        self.at = now()
        self.hands: dict[str, Handed | None] = {}

    @rule(name=st.sampled_from(["Anna", "Berta", "Carl"]))
    def take(self, name: str):
        before = self.hands.get(name)
        self.hands[name] = take(self.engine, self.sample_id, name, at=self.at)
        if before and self.hands[name] and before.handout_id == self.hands[name].handout_id:  # type: ignore
            assert before.answer_id == self.hands[name].answer_id  # type: ignore

    @rule(name=st.sampled_from(["Anna", "Berta", "Carl"]))
    def score(self, name: str):
        if handed := self.hands.pop(name, None):
            save(self.engine, handed, name=name)

    @rule(name=st.sampled_from(["Anna", "Berta", "Carl"]))
    def skip(self, name: str):
        if handed := self.hands.pop(name, None):
            skip(self.engine, handed, name)

    @rule()
    def wait(self):
        self.at += LEASE * 1.1

    @invariant()
    def nothing_is_handed_twice_but_what_is_marked(self):
        if not hasattr(self, "sample_id"):
            return
        double = {one.id: one.double for one in draws(self.engine, self.sample_id)}
        with store.reading(self.engine) as session:
            rows = session.exec(select(Handout)).all()
        by_draw: dict[int, list[int]] = {}
        for row in rows:
            by_draw.setdefault(row.draw_id, []).append(row.rater_id)
        for draw_id, raters in by_draw.items():
            assert len(raters) <= 1 + double[draw_id]
            assert len(set(raters)) == len(raters)

    def teardown(self):
        if hasattr(self, "engine"):
            for name in ("Anna", "Berta", "Carl"):
                self.at += LEASE * 1.1
                while handed := take(self.engine, self.sample_id, name, at=self.at):
                    save(self.engine, handed, name=name)
            assert progress(self.engine, self.sample_id).n_done == N, "nothing is lost on the way"
            self.engine.dispose()


def test_whatever_three_people_do_nothing_is_handed_twice_and_nothing_is_lost(template: Path, tmp_path: Path):
    Several.template, Several.folder = template, tmp_path
    quick = settings(
        max_examples=6, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(Several, settings=quick)


# --- processes ----------------------------------------------------------------------------------------------------

RATER = """
import sys
from pathlib import Path
from peopled import WHOLE, rubric
from db import handouts, scoring, store

url, sample_id, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
engine = store.connect(url)
print("ready", flush=True)
sys.stdin.readline()
while True:
    with store.writing(engine) as session:
        rater_id = scoring.save_person(name, session=session)
        handed = handouts.next_handout(sample_id, rater_id, session=session)
    if handed is None:
        break
    with store.writing(engine) as session:
        saved = scoring.save_handed(handed, WHOLE, name=name, rubric=rubric(), session=session)
    print(handed.answer_id, saved.id, flush=True)
"""


def test_four_processes_score_one_sample_and_none_is_lost_or_doubled(tmp_path: Path):
    peopled.make(tmp_path / "rush.db", questions=26)
    url = f"sqlite:///{tmp_path / 'rush.db'}"
    engine = store.connect(url)
    sample_id = draw(engine, double_share=0.1)
    names = ["Anna", "Berta", "Carl", "Dora"]
    people = [
        subprocess.Popen(
            [sys.executable, "-c", RATER, url, str(sample_id), name],
            cwd=Path(__file__).parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    for one in people:
        assert one.stdout
        assert one.stdout.readline() == "ready\n"
    for one in people:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    said = [one.communicate(timeout=120)[0].split("\n")[:-1] for one in people]
    assert [one.returncode for one in people] == [0] * 4
    saved = [tuple(map(int, line.split())) for lines in said for line in lines]
    assert sum(bool(lines) for lines in said) >= 2, "they did work at once"
    double = {one.answer_id: one.double for one in draws(engine, sample_id)}
    assert sum(double.values()) == 5
    count = Counter(answer_id for answer_id, _ in saved)
    for answer_id, twice in double.items():
        assert count[answer_id] in ({1, 2} if twice else {1})
    with store.reading(engine) as session:
        rows = session.exec(select(Assessment).where(Assessment.draw_id != None)).all()  # noqa: E711
    assert sorted(row.id or 0 for row in rows) == sorted(assessment_id for _, assessment_id in saved)
    assert len({(row.answer_id, row.rater_id) for row in rows}) == len(rows)
    engine.dispose()
