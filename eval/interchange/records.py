"""The records of an interchange file: what each line may say, field by field. docs/interchange.md is for people.

Pure: a model for every kind of record, with what would be right as the description of its fields. Whether records fit
together, and with what is stored, is the business of linking.py and loading.py.
"""

from datetime import datetime
from math import isfinite
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from db.models import AssessmentStatus, Design, Preference, RaterKind, RunStatus
from eval import qa_set, rubric
from eval.faults import invalid, shown
from eval.qa_set import AnyText, Text

FORMAT = 1  # the version of this format that is written, and the newest that is read
LARGEST = 2**31 - 1  # a server takes no larger whole number
MAX_DEPTH = 40  # levels in a field that may hold any JSON
MAX_CRITERIA = 200


def _moment(given: Any) -> Any:
    """A moment with its offset from UTC, from ISO 8601."""
    right = 'write a moment with its offset: "2026-11-02T09:00:00Z"'
    if isinstance(given, datetime):
        return given
    try:
        moment = datetime.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        moment = None
    if moment is None:
        invalid(f"{shown(given)} is not a moment", right)
    if moment.tzinfo is None:
        invalid(f"{shown(given)} does not say in which time zone", right)
    return moment


def _any_json(value: Any, depth: int = 0) -> Any:
    """JSON that both databases can keep."""
    if depth > MAX_DEPTH:
        invalid("lists or objects are nested too deeply", f"write {MAX_DEPTH} levels at most")
    if isinstance(value, dict):
        for key, item in value.items():
            _any_json(key, depth)
            _any_json(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _any_json(item, depth + 1)
    elif isinstance(value, str) and ("\0" in value or any("\ud800" <= c <= "\udfff" for c in value)):
        invalid("it holds a NUL character or half of a surrogate pair", "remove it")
    elif isinstance(value, float) and not isfinite(value):
        invalid("it holds a number too large", "write a number of ordinary size")
    return value


Moment = Annotated[datetime, BeforeValidator(_moment)]
Json = Annotated[dict[str, Any], AfterValidator(_any_json)]
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Number = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
Ms = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Chance = Annotated[float, Field(gt=0, le=1)]  # of being drawn: what was drawn had one
Named = Annotated[dict[AnyText, AnyText], Field()]


class Model(BaseModel):
    """What all records and their parts have in common: nothing unknown, nothing converted, no endless numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())


class Header(Model):
    """The first line of every file."""

    record: Literal["header"]
    version: int = Field(description=f"the version of the format: {FORMAT}", ge=1)
    tool: AnyText = Field(default="", description='what wrote the file: "rightsize 0.1.0"')
    created_at: Moment | None = Field(default=None, description="when the file was written")

    @field_validator("version")
    @classmethod
    def _known(cls, version: int) -> int:
        if version > FORMAT:
            invalid(f"version {version} is newer than this Rightsize reads", f"upgrade it, or write version {FORMAT}")
        return version


# --- what is asked and how it is scored ---------------------------------------------------------------------------


class OpenQuestion(qa_set.Question):
    """A question that may lack a reference answer, as those of other tools do."""

    reference: AnyText = ""


class QASetHead(Model):
    """A QA set; its questions follow, ahead of the first run that answered it."""

    record: Literal["qa_set"]
    id: Text = Field(description="a name for it within this file")
    name: Text = Field(description="what it is called")
    version: AnyText = Field(default="", description="a text; the start of the hash of its questions if left out")
    sha256: AnyText | None = Field(default=None, description="the hash of its questions, checked if it is there")
    subset: bool = Field(
        default=False,
        description="true where they may be some of a stored QA set: the newest that holds them is taken",
    )


class QuestionRecord(OpenQuestion):
    """A question of a QA set, with the fields that a QA set's own file has; the reference may be left out."""

    record: Literal["question"]
    qa_set: Text = Field(description="the id of its QA set, which stands on an earlier line")

    def opened(self) -> OpenQuestion:
        return OpenQuestion.model_validate(self.model_dump(exclude={"record", "qa_set"}))


class ScoredCriterion(rubric.Criterion):
    """A criterion scored elsewhere: what each score means may be unknown."""

    anchored: ClassVar[bool] = False

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_id(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(name := given.get("id"), str):
            label = name.replace("_", " ").capitalize()
            return {"label": label, "question": f"{given.get('label', label)}, as it was scored elsewhere"} | given
        return given


class ScoredRubric(rubric.Rubric):
    """A rubric that may have any number of criteria, on any scale, without anchors."""

    most: ClassVar[int] = MAX_CRITERIA

    instruction: Text = Field(default="Scored elsewhere.", description="what raters had to heed for all criteria")
    criteria: tuple[ScoredCriterion, ...] = Field(description="a list of objects with id, low and high at least")  # pyright: ignore[reportIncompatibleVariableOverride]


class RubricRecord(ScoredRubric):
    """What scores mean: criteria, each with the lowest and the highest score it has."""

    record: Literal["rubric"]
    id: Text = Field(description="a name for it within this file")
    hash: AnyText | None = Field(
        default=None,
        min_length=8,
        description="the start of a rubric's hash, 8 digits or more: where that rubric is known here, it is taken",
    )

    def scored(self) -> ScoredRubric:
        return ScoredRubric.model_validate(self.model_dump(exclude={"record", "id", "hash"}))


# --- what was answered --------------------------------------------------------------------------------------------


class RunRecord(Model):
    """One target's answers to one QA set."""

    record: Literal["run"]
    id: Text = Field(description="a name for it within this file")
    qa_set: Text = Field(description="the id of its QA set, which stands on an earlier line")
    target: Text = Field(description="what answered, as charts name it")
    group: Text | None = Field(default=None, description="a name shared by the runs that belong together")
    name: Text | None = Field(default=None, description="what the run is called; its target's name if left out")
    kind: Text = Field(default="imported", description="how the target works: plain, draft_and_refine, imported")
    model: Text | None = Field(default=None, description="the model's id; the target's name if left out")
    endpoint: AnyText = Field(default="", description="the address that was asked, without credentials")
    family: AnyText | None = Field(default=None, description="the model's family, such as llama")
    definition: Json = Field(default_factory=dict, description="an object with the settings of the run, no keys")
    repeats: Count | None = Field(default=None, description="how often each question was asked; counted if left out")
    warmups: Count = Field(default=0, description="how many answers were warm-ups")
    concurrency: Count = Field(default=1, description="requests at a time")
    n_questions: Count | None = Field(default=None, description="how many questions were asked; counted if left out")
    n_planned: Count | None = Field(default=None, description="how many answers were to come; counted if left out")
    status: Annotated[RunStatus, Field(strict=False)] = Field(default=RunStatus.finished, description="finished")
    error: AnyText | None = Field(default=None, description="why the run ended early")
    simulated: bool = Field(default=False, description="true where no real model answered")
    tags: list[AnyText] = Field(default_factory=list, description="a list of texts")
    provenance: Json = Field(default_factory=dict, description="an object with what ran where, no keys")
    created_at: Moment | None = Field(default=None, description="when the run was made")
    started_at: Moment | None = Field(default=None, description="when it began")
    ended_at: Moment | None = Field(default=None, description="when it ended")


class Timed(Model):
    """What is measured of an answer as of a call: times in ms, tokens, how the reply ended."""

    error_kind: AnyText | None = Field(default=None, description="a short name for the error: timeout")
    error: Text | None = Field(default=None, description="why there is no answer, a sentence")
    prepare_ms: Ms | None = Field(default=None, description="work before the request left, ms")
    connect_ms: Ms | None = Field(default=None, description="setting up the connection, ms")
    headers_ms: Ms | None = Field(default=None, description="request to response headers, ms")
    first_byte_ms: Ms | None = Field(default=None, description="request to first byte, ms")
    ttft_ms: Ms | None = Field(default=None, description="request to first content, ms")
    ttfat_ms: Ms | None = Field(default=None, description="request to first content after any reasoning, ms")
    generation_ms: Ms | None = Field(default=None, description="first to last token, ms")
    total_ms: Ms | None = Field(default=None, description="request to end, ms")
    prompt_tokens: Count | None = Field(default=None, description="tokens in")
    completion_tokens: Count | None = Field(default=None, description="tokens out")
    cached_tokens: Count | None = Field(default=None, description="tokens in that came from the server's cache")
    reasoning_tokens: Count | None = Field(default=None, description="tokens out that were reasoning")
    tokens_estimated: bool = Field(default=False, description="true where tokens were not counted by the server")
    finish_reason: AnyText | None = Field(default=None, description="why the reply ended: stop")
    streamed: bool = Field(default=True, description="whether the reply came in pieces")
    loop_lag_ms: Ms | None = Field(default=None, description="how late the measuring process was, ms")


class CallRecord(Timed):
    """One request behind an answer or an assessment."""

    stage: Text = Field(description="what the request was for: answer")
    attempt: Count = Field(default=1, description="its number among the attempts, from 1")
    endpoint: AnyText = Field(default="", description="the address that was asked, without credentials")
    model: Text = Field(description="the model's id as asked for")
    model_returned: AnyText | None = Field(default=None, description="the model's id as answered")
    request_id: AnyText | None = Field(default=None, description="the server's id of the request")
    started_at: Moment = Field(description="when the request left")
    status_code: Count | None = Field(default=None, description="the HTTP status")
    wait_before_ms: Ms = Field(default=0.0, description="the pause ahead of a retry, ms")
    http_version: AnyText | None = Field(default=None, description="the version of HTTP")
    connection_reused: bool | None = Field(default=None, description="whether the connection was there already")
    chunk_ms: list[Ms] = Field(default_factory=list, description="arrival of each piece, ms")


class Place(Model):
    """Which answer is meant."""

    run: Text = Field(description="its run: the id on an earlier line, or GROUP/TARGET of one that is stored")
    question: Text = Field(description="the id of its question")
    repeat: Count = Field(default=0, description="which repeat, from 0")
    cold: bool = Field(default=False, description="true for a warm-up")


class AnswerRecord(Place, Timed):
    """What a target replied, or the error instead."""

    record: Literal["answer"]
    text: AnyText | None = Field(default=None, description="the reply; left out where there is an error")
    itl_p50_ms: Ms | None = Field(default=None, description="median time between tokens, ms")
    itl_p95_ms: Ms | None = Field(default=None, description="95th percentile of the time between tokens, ms")
    tokens_per_s: Ms | None = Field(default=None, description="speed of writing after the first token")
    attempts: Count = Field(default=1, description="requests it took")
    client_limited: bool = Field(default=False, description="true where the measuring computer was too busy")
    created_at: Moment | None = Field(default=None, description="when it came")
    words: Count | None = Field(default=None, description="words of the text; counted if left out")
    repeated_4grams: Share | None = Field(default=None, description="share of repeated 4-grams; counted if left out")
    calls: list[CallRecord] = Field(default_factory=list, description="the requests behind it, a list of objects")

    @model_validator(mode="after")
    def _text_or_error(self) -> "AnswerRecord":
        failed = self.error is not None or self.error_kind is not None
        if failed == (self.text is not None):
            problem = "there are both a text and an error" if failed else "there is neither a text nor an error"
            invalid(problem, "write text, or error where no answer came")
        return self


# --- what was scored ----------------------------------------------------------------------------------------------


class RaterRecord(Model):
    """Who scored; known by kind and name, a judge also by its model and address."""

    kind: Annotated[RaterKind, Field(strict=False)] = Field(description="judge or person")
    name: Text = Field(description="the person's name, or the judge's", max_length=200)
    model: AnyText | None = Field(default=None, description="a judge's model id")
    endpoint: AnyText | None = Field(default=None, description="a judge's address, without credentials")
    family: AnyText | None = Field(default=None, description="a judge's model family")
    simulated: bool = Field(default=False, description="true for a simulated judge")


class ScoreRecord(Model):
    """One criterion's score; a bare number is short for its value."""

    value: float | None = Field(default=None, description="a number on the criterion's scale, or null with null_reason")
    null_reason: AnyText | None = Field(default=None, description="why it could not be scored")
    rationale: AnyText | None = Field(default=None, description="why the score was given")
    quotes: list[AnyText] = Field(default_factory=list, description="passages of the answer, a list of texts")
    claims: list[Named] = Field(default_factory=list, description="a list of objects of texts: claim, verdict")
    key_points: list[Named] = Field(default_factory=list, description="a list of objects of texts: key_point, verdict")
    flags: list[AnyText] = Field(default_factory=list, description="a list of texts")
    digit_mass: Share | None = Field(default=None, description="probability that the judge's next token was a score")
    probabilities: list[Share] | None = Field(default=None, description="probability of each score, low to high")

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, given: Any) -> Any:
        is_number = isinstance(given, (int, float)) and not isinstance(given, bool)
        return {"value": given} if given is None or is_number else given


class CheckRecord(Model):
    """A yes/no check as it was seen met."""

    kind: Literal["must", "must_not"] = Field(description="must or must_not")
    text: AnyText = Field(description="the statement")
    met: bool | None = Field(default=None, description="true, false, or null where it was not said")


class AssessmentRecord(Place):
    """One rater's verdict on one answer."""

    record: Literal["assessment"]
    rater: RaterRecord = Field(description='an object: {"kind": "person", "name": "Ada"}')
    rubric: Text = Field(description="the id of its rubric, which stands on an earlier line")
    protocol: Text | None = Field(default=None, description="how it was scored; person or imported if left out")
    reading: Count = Field(default=0, description="which of a judge's several readings, from 0")
    scores: dict[str, ScoreRecord] = Field(default_factory=dict, description='an object by criterion: {"clarity": 4}')
    checks: list[CheckRecord] = Field(default_factory=list, description="yes/no checks, a list of objects")
    status: Annotated[AssessmentStatus, Field(strict=False)] | None = Field(
        default=None, description="ok, or partial where a criterion has no score"
    )
    current: bool | None = Field(default=None, description="false where a later verdict of the same rater replaced it")
    error: AnyText | None = Field(default=None, description="what was wrong with the judge's reply")
    note: AnyText | None = Field(default=None, description="the rater's note")
    flags: list[AnyText] = Field(default_factory=list, description="a list of texts")
    blind: bool | None = Field(default=None, description="people: whether target and other scores were hidden")
    position: Count | None = Field(default=None, description="people: place in the order shown")
    sample: Text | None = Field(default=None, description="people: the id of the sample the answer was drawn in")
    answer_sha256: AnyText | None = Field(default=None, description="the hash of the text that was scored")
    prompt_sha256: AnyText | None = Field(default=None, description="the hash of the judge's prompt")
    parameters: Json = Field(default_factory=dict, description="an object with the judge's settings, no keys")
    model_returned: AnyText | None = Field(default=None, description="the judge's model id as answered")
    raw_reply: AnyText | None = Field(default=None, description="what the judge replied")
    attempts: Count = Field(default=1, description="requests it took")
    prompt_tokens: Count | None = Field(default=None, description="tokens in")
    completion_tokens: Count | None = Field(default=None, description="tokens out")
    total_ms: Ms | None = Field(default=None, description="waiting for the judge, ms")
    same_family: bool = Field(
        default=False,
        description="whether the judge is of the target's model family; by what is known of both if left out",
    )
    created_at: Moment | None = Field(default=None, description="when it was given")
    id: Text | None = Field(default=None, description="a name for it within this file, where another one takes it back")
    undoes: Text | None = Field(default=None, description="people: the id of the earlier one that this one takes back")
    calls: list[CallRecord] = Field(default_factory=list, description="the requests behind it, a list of objects")


class StratumRecord(Model):
    """The questions of one run among which some were drawn with one probability."""

    name: AnyText = Field(default="", description="what it is called; draws name it")
    run: Text = Field(description="the id of its run")
    n_population: Count = Field(default=0, description="how many questions it holds")
    n_drawn: Count = Field(default=0, description="how many of them were drawn")
    probability: Chance | None = Field(default=None, description="the probability of each")
    questions: list[Text] = Field(default_factory=list, description="the ids of its questions, drawn or not")


class SampleRecord(Model):
    """Answers drawn for people to score; their draws follow."""

    record: Literal["sample"]
    id: Text = Field(description="a name for it within this file")
    name: AnyText = Field(default="", description="what it is called")
    design: Annotated[Design, Field(strict=False)] = Field(description="random, stratified or disagreement")
    runs: list[Text] = Field(description="the ids of the runs whose answers it was drawn from", min_length=1)
    rubric: Text = Field(description="the id of its rubric, which stands on an earlier line")
    seed: Number = Field(default=0, description="the seed of the draw")
    n_population: Count = Field(description="how many answers there were to draw from")
    double_share: Share = Field(default=0.0, description="share of the answers scored by two people, 0 to 1")
    strata: list[StratumRecord] = Field(default_factory=list, description="a list of objects, one a stratum and run")
    definition: Json = Field(default_factory=dict, description="an object with what else it was drawn by")
    created_by: AnyText = Field(default="", description="who drew it")
    created_at: Moment | None = Field(default=None, description="when it was drawn")


class HandoutRecord(Model):
    """A drawn answer in one person's hands."""

    rater: RaterRecord = Field(description='an object: {"kind": "person", "name": "Ada"}')
    turn: Count = Field(default=0, description="0, or 1 for a second opinion")
    position: Count = Field(default=0, description="place in the order shown")
    handed_at: Moment | None = Field(default=None, description="when it was handed out")
    done_at: Moment | None = Field(default=None, description="when it was scored")
    skipped: bool = Field(default=False, description="true where the person passed it over")


class DrawRecord(Place):
    """One answer of a sample, with the probability that the design gave it."""

    record: Literal["draw"]
    sample: Text = Field(description="the id of its sample, which stands on an earlier line")
    position: Count = Field(default=0, description="place in the order of the sample")
    stratum: AnyText = Field(default="", description="the stratum it was drawn from")
    probability: Chance | None = Field(
        default=None, description="the probability it was drawn with; none under disagreement"
    )
    double: bool = Field(default=False, description="true where two people score it")
    reason: AnyText = Field(default="", description="why it was worth a look, where the design is disagreement")
    handouts: list[HandoutRecord] = Field(default_factory=list, description="who had it, a list of objects")


class Side(Model):
    """One of two compared answers."""

    run: Text = Field(description="the id of its run")
    repeat: Count = Field(default=0, description="which repeat, from 0")


class ComparisonRecord(Model):
    """A person's preference between two answers to one question."""

    record: Literal["comparison"]
    question: Text = Field(description="the id of the question")
    left: Side = Field(description='an object: {"run": "small"}')
    right: Side = Field(description='an object: {"run": "large"}')
    rater: RaterRecord = Field(description='an object: {"kind": "person", "name": "Ada"}')
    preference: Annotated[Preference, Field(strict=False)] | None = Field(
        description="left, same or right; null where it was taken back"
    )
    current: bool = Field(default=True, description="false where a later one replaced it")
    note: AnyText | None = Field(default=None, description="the rater's note")
    position: Count | None = Field(default=None, description="place in the order shown")
    created_at: Moment | None = Field(default=None, description="when it was given")
    id: Text | None = Field(default=None, description="a name for it within this file, where another one takes it back")
    undoes: Text | None = Field(default=None, description="people: the id of the earlier one that this one takes back")


Record = (
    Header
    | QASetHead
    | QuestionRecord
    | RubricRecord
    | RunRecord
    | AnswerRecord
    | SampleRecord
    | DrawRecord
    | AssessmentRecord
    | ComparisonRecord
)
KINDS: dict[str, type[Model] | type[QuestionRecord] | type[RubricRecord]] = {
    "header": Header,
    "qa_set": QASetHead,
    "question": QuestionRecord,
    "rubric": RubricRecord,
    "run": RunRecord,
    "answer": AnswerRecord,
    "sample": SampleRecord,
    "draw": DrawRecord,
    "assessment": AssessmentRecord,
    "comparison": ComparisonRecord,
}
