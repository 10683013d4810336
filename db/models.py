"""The tables, and nothing else: what is stored and under which name.

Reading and writing is the store's job, grouping that of frames, changing the schema that of the migrations.
Every table hangs on one Base with its own registry, because Streamlit imports modules again when a file changes.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Dialect, Float, Index, TypeDecorator, UniqueConstraint, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

SCHEMA_REVISION = "0002"  # the newest migration; a test holds it against the scripts

Json = dict[str, Any]


def now() -> datetime:
    return datetime.now(UTC)


class Points(TypeDecorator[float]):
    """A score: whole as people and judges give it, fractional as an expectation or on another scale."""

    impl = Float
    cache_ok = True

    def process_result_value(self, value: float | None, dialect: Dialect) -> float | None:  # noqa: ARG002
        return int(value) if value is not None and value == int(value) else value


class Base(SQLModel, registry=registry()):
    """The common parent of all tables."""


class RunStatus(StrEnum):
    """Where a run stands; `stopped` and `failed` can be resumed."""

    planned = "planned"
    answering = "answering"
    judging = "judging"
    finished = "finished"
    stopped = "stopped"
    failed = "failed"


class Design(StrEnum):
    """How the answers of a sample were drawn, and with it whether their scores may stand for all answers."""

    random = "random"  # each answer as likely as any other
    stratified = "stratified"  # by target and judge's score, with known probabilities
    disagreement = "disagreement"  # where judges differ: to learn from, never part of a mean


class Preference(StrEnum):
    """Which of two answers to one question a person found better, as the sides were shown."""

    left = "left"
    same = "same"
    right = "right"


class RaterKind(StrEnum):
    judge = "judge"
    person = "person"


class AssessmentStatus(StrEnum):
    """Whether a verdict could be used; only `ok` and `partial` carry scores."""

    ok = "ok"
    partial = "partial"  # some criteria could be read, others not
    unparsed = "unparsed"  # the reply was no JSON of the asked form
    invalid = "invalid"  # JSON, but a score out of range, fractional, or a quote that does not occur
    error = "error"  # the judge's endpoint failed
    withdrawn = "withdrawn"  # a person took the verdict back


class QASet(Base, table=True):
    """A fixed list of questions; another content is another row."""

    __tablename__ = "qa_set"  # pyright: ignore[reportAssignmentType]
    id: int | None = Field(default=None, primary_key=True)
    sha256: str = Field(unique=True)
    name: str
    version: str
    n_questions: int
    created_at: datetime = Field(default_factory=now)


class Question(Base, table=True):
    """One question of a QA set, as it was asked."""

    __table_args__ = (UniqueConstraint("qa_set_id", "key"),)
    id: int | None = Field(default=None, primary_key=True)
    qa_set_id: int = Field(foreign_key="qa_set.id", ondelete="CASCADE")
    position: int
    key: str  # the author's id
    sha256: str
    category: str
    difficulty: str
    text: str
    reference: str
    key_points: list[str] = Field(sa_type=JSON)
    documents: list[dict[str, str]] = Field(sa_type=JSON)
    answerable: bool
    output_limit: int  # tokens
    must: list[str] = Field(default_factory=list, sa_type=JSON, sa_column_kwargs={"server_default": "[]"})
    must_not: list[str] = Field(default_factory=list, sa_type=JSON, sa_column_kwargs={"server_default": "[]"})


class Run(Base, table=True):
    """One target answering one QA set, n repeats; runs started together share a group."""

    __table_args__ = (
        Index("ix_run_group", "group_id"),
        Index("ix_run_qa_set", "qa_set_id", "created_at"),
        {"sqlite_autoincrement": True},  # a link to a deleted run must never lead to another
    )
    id: int | None = Field(default=None, primary_key=True)
    group_id: str
    name: str
    target: str
    kind: str  # plain, draft_and_refine
    model: str  # as asked for; what the server answered stands with each call
    endpoint: str  # address without credentials
    family: str | None = None  # model family, to flag a judge of the same one
    definition: Json = Field(sa_type=JSON)  # the whole plan: enough to resume, never a key
    qa_set_id: int = Field(foreign_key="qa_set.id")
    repeats: int
    warmups: int
    concurrency: int
    n_questions: int
    n_planned: int  # questions x repeats, warm-ups not counted
    status: RunStatus = RunStatus.planned
    error: str | None = None
    simulated: bool = False
    tags: list[str] = Field(default_factory=list, sa_type=JSON)
    provenance: Json = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = Field(default_factory=now)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    worker: str | None = None  # host:pid of the process at work
    heartbeat_at: datetime | None = None
    revision: int = 0  # grows with every answer and assessment; keys caches and the summary
    summary: Json | None = Field(default=None, sa_type=JSON)  # figures derived from the rows, valid at summary_revision
    summary_revision: int | None = None


class Answer(Base, table=True):
    """What a target replied to a question in one repeat; an error is stored with its reason and no score."""

    __table_args__ = (UniqueConstraint("run_id", "question_id", "repeat", "cold"),)
    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE")
    question_id: int = Field(foreign_key="question.id")
    repeat: int
    cold: bool = False  # a warm-up: stored, never averaged with the rest
    text: str | None = None
    sha256: str | None = None
    error_kind: str | None = None
    error: str | None = None
    prepare_ms: float | None = None  # work in this process before the request leaves
    connect_ms: float | None = None  # 0 on a reused connection
    headers_ms: float | None = None  # request sent to response headers
    first_byte_ms: float | None = None  # request sent to first byte of the body
    ttft_ms: float | None = None  # request sent to first non-empty content
    ttfat_ms: float | None = None  # the same to the first token of the answer proper, after any reasoning
    generation_ms: float | None = None  # first to last token
    total_ms: float | None = None  # request sent to end of stream; for staged targets the sum of the stages
    itl_p50_ms: float | None = None
    itl_p95_ms: float | None = None
    tokens_per_s: float | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    tokens_estimated: bool = False
    finish_reason: str | None = None
    attempts: int = 1
    client_limited: bool = False  # this process lagged while it measured
    loop_lag_ms: float | None = None
    streamed: bool = True
    created_at: datetime = Field(default_factory=now)
    words: int | None = None  # companions to conciseness, counted when the answer came
    repeated_4grams: float | None = None


class Rater(Base, table=True):
    """Who gave a verdict: a judge (model) or a person."""

    __table_args__ = (UniqueConstraint("kind", "name"),)
    id: int | None = Field(default=None, primary_key=True)
    kind: RaterKind
    name: str
    model: str | None = None
    endpoint: str | None = None
    family: str | None = None
    simulated: bool = False


class Rubric(Base, table=True):
    """A versioned rubric, as it was used."""

    id: int | None = Field(default=None, primary_key=True)
    sha256: str = Field(unique=True)
    name: str
    version: str
    body: Json = Field(sa_type=JSON)


class Assessment(Base, table=True):
    """One rater's verdict on one answer; the newest of a rater under one rubric and protocol counts (`current`)."""

    __table_args__ = (
        Index("ix_assessment_answer", "answer_id"),
        Index("ix_assessment_run", "run_id", "current"),
        Index("ix_assessment_rater", "rater_id", "run_id"),
        Index("ix_assessment_draw", "draw_id", sqlite_where=text("draw_id IS NOT NULL")),
    )
    id: int | None = Field(default=None, primary_key=True)
    answer_id: int = Field(foreign_key="answer.id", ondelete="CASCADE")
    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE")
    question_id: int = Field(foreign_key="question.id")
    rater_id: int = Field(foreign_key="rater.id")
    rubric_id: int = Field(foreign_key="rubric.id")
    protocol: str  # quick, study, person
    status: AssessmentStatus
    current: bool = True
    error: str | None = None
    note: str | None = None
    blind: bool | None = None  # people only: target and judge's scores were hidden
    position: int | None = None  # people only: place in the order shown
    answer_sha256: str
    prompt_sha256: str | None = None
    parameters: Json = Field(default_factory=dict, sa_type=JSON)
    model_returned: str | None = None
    raw_reply: str | None = None
    attempts: int = 1
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_ms: float | None = None
    same_family: bool = False
    created_at: datetime = Field(default_factory=now)
    sample: int = Field(default=0, sa_column_kwargs={"server_default": "0"})  # judges: which of k readings this is
    draw_id: int | None = Field(default=None, foreign_key="draw.id")  # people: how the answer came to be scored
    flags: list[str] = Field(default_factory=list, sa_type=JSON, sa_column_kwargs={"server_default": "[]"})
    undoes: int | None = None  # people: the assessment this one takes back


class Score(Base, table=True):
    """One criterion of an assessment."""

    __table_args__ = (UniqueConstraint("assessment_id", "criterion"),)
    id: int | None = Field(default=None, primary_key=True)
    assessment_id: int = Field(foreign_key="assessment.id", ondelete="CASCADE")
    criterion: str
    value: float | None = Field(
        default=None, sa_type=Points
    )  # on the rubric's scale (whole unless it is an expectation), or null with a reason
    null_reason: str | None = None
    rationale: str | None = None
    quotes: list[str] = Field(default_factory=list, sa_type=JSON)
    claims: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON)
    key_points: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON)
    flags: list[str] = Field(default_factory=list, sa_type=JSON)
    digit_mass: float | None = None  # an expectation's: probability that the judge's next token was a score at all
    probabilities: list[float] | None = Field(
        default=None, sa_type=JSON
    )  # an expectation's: of each score, low to high


class CheckResult(Base, table=True):
    """One yes/no check of a question (`must`, `must_not`) as a judge saw it met; beside the scores, never in them."""

    __tablename__ = "check_result"  # pyright: ignore[reportAssignmentType]
    __table_args__ = (Index("ix_check_result_assessment", "assessment_id"),)
    id: int | None = Field(default=None, primary_key=True)
    assessment_id: int = Field(foreign_key="assessment.id", ondelete="CASCADE")
    kind: str  # must, must_not
    text: str
    met: bool | None = None  # null where the judge did not say


class Sample(Base, table=True):
    """Answers drawn for people to score, by a design that says what their scores may stand for."""

    __table_args__ = {"sqlite_autoincrement": True}  # a link to a discarded sample must never lead to another
    id: int | None = Field(default=None, primary_key=True)
    name: str
    design: Design
    run_ids: list[int] = Field(sa_type=JSON)
    rubric_id: int = Field(foreign_key="rubric.id")
    seed: int
    n_population: int  # answers there were to draw from
    double_share: float  # of the drawn answers, handed to two people for their agreement
    strata: list[Json] = Field(default_factory=list, sa_type=JSON)  # name, run_id, n_drawn, probability, question_ids
    definition: Json = Field(default_factory=dict, sa_type=JSON)  # what it was drawn by: size, categories, allocation
    created_by: str = ""
    created_at: datetime = Field(default_factory=now)


class Draw(Base, table=True):
    """One answer of a sample, with the probability that the design gave its question.

    A run's question is drawn, then one of its repeats, each as likely as the others.
    """

    __table_args__ = (
        UniqueConstraint("sample_id", "answer_id"),
        Index("ix_draw_answer", "answer_id"),
        Index("ix_draw_sample", "sample_id", "position"),
    )
    id: int | None = Field(default=None, primary_key=True)
    sample_id: int = Field(foreign_key="sample.id", ondelete="CASCADE")
    answer_id: int = Field(foreign_key="answer.id", ondelete="CASCADE")
    position: int
    stratum: str = ""
    probability: float | None = None  # that this run's question was drawn; null under `disagreement`
    double: bool = False
    reason: str = ""  # under `disagreement`: what made this answer worth a look


class Handout(Base, table=True):
    """An answer of a sample in one person's hands: turn 0 for everyone's first, turn 1 for the second opinion."""

    __table_args__ = (UniqueConstraint("draw_id", "turn"), Index("ix_handout_rater", "rater_id", "id"))
    id: int | None = Field(default=None, primary_key=True)
    draw_id: int = Field(foreign_key="draw.id", ondelete="CASCADE")
    turn: int
    rater_id: int = Field(foreign_key="rater.id")
    position: int  # place in the order shown to this person
    handed_at: datetime = Field(default_factory=now)
    done_at: datetime | None = None
    skipped: bool = False


class Comparison(Base, table=True):
    """A person's preference between two targets' answers to one question; the sides were shuffled."""

    __table_args__ = (
        Index("ix_comparison_left", "left_answer_id"),
        Index("ix_comparison_right", "right_answer_id"),
        Index("ix_comparison_rater", "rater_id", "id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    question_id: int = Field(foreign_key="question.id")
    left_answer_id: int = Field(foreign_key="answer.id", ondelete="CASCADE")
    right_answer_id: int = Field(foreign_key="answer.id", ondelete="CASCADE")
    rater_id: int = Field(foreign_key="rater.id")
    preference: Preference | None = None  # null: taken back
    current: bool = True
    note: str | None = None
    position: int | None = None
    created_at: datetime = Field(default_factory=now)
    undoes: int | None = None  # the comparison this one takes back


class Call(Base, table=True):
    """One attempt of one request to an endpoint, for an answer or for an assessment."""

    __table_args__ = (
        Index("ix_call_answer", "answer_id", sqlite_where=text("answer_id IS NOT NULL")),
        Index("ix_call_assessment", "assessment_id", sqlite_where=text("assessment_id IS NOT NULL")),
    )
    id: int | None = Field(default=None, primary_key=True)
    answer_id: int | None = Field(default=None, foreign_key="answer.id", ondelete="CASCADE")
    assessment_id: int | None = Field(default=None, foreign_key="assessment.id", ondelete="CASCADE")
    stage: str  # answer, draft, refine, judge, repair
    attempt: int
    endpoint: str
    model: str
    model_returned: str | None = None
    request_id: str | None = None
    started_at: datetime
    status_code: int | None = None
    error_kind: str | None = None
    error: str | None = None
    wait_before_ms: float = 0.0  # the pause ahead of a retry; never part of a latency
    http_version: str | None = None
    connection_reused: bool | None = None
    streamed: bool = True
    prepare_ms: float | None = None
    connect_ms: float | None = None
    headers_ms: float | None = None
    first_byte_ms: float | None = None
    ttft_ms: float | None = None
    ttfat_ms: float | None = None
    generation_ms: float | None = None
    total_ms: float | None = None
    chunk_ms: list[float] = Field(default_factory=list, sa_type=JSON)  # arrival of each piece of content
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    tokens_estimated: bool = False
    finish_reason: str | None = None
    loop_lag_ms: float | None = None


class Price(Base, table=True):
    """What a model costs, in USD per million tokens; a changed price is another row, the newest counts."""

    __table_args__ = (Index("ix_price_model", "model", "id"),)
    id: int | None = Field(default=None, primary_key=True)
    model: str
    input_usd_per_mtok: float | None = None  # unknown is null, never 0
    output_usd_per_mtok: float | None = None
    kind: str = "assumed"  # quoted, assumed, hypothetical
    source: str = ""
    created_at: datetime = Field(default_factory=now)


class PriceCard(Base, table=True):
    """A dated price card as it was read; another content is another row."""

    __tablename__ = "price_card"  # pyright: ignore[reportAssignmentType]
    id: int | None = Field(default=None, primary_key=True)
    sha256: str = Field(unique=True)
    name: str
    dated: str  # ISO date
    body: Json = Field(sa_type=JSON)
    created_at: datetime = Field(default_factory=now)


class Scenario(Base, table=True):
    """A workload with its assumptions, pinned to a price card; another save of the same name replaces the body."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    body: Json = Field(sa_type=JSON)
    price_card_id: int | None = Field(default=None, foreign_key="price_card.id")
    created_at: datetime = Field(default_factory=now)
    updated_at: datetime = Field(default_factory=now)
