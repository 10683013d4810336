"""Claims about reading a judge's reply: every malformation has its status, and none becomes a wrong score."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eval.rubric import built_in
from eval.verdict import (
    FLAGS,
    MAX_QUOTES,
    UnreadableError,
    Verdict,
    criteria_by_call,
    find_object,
    read_bare_score,
    read_score,
    read_verdict,
    reply_schema,
)

ANSWER = "Oslo is the capital of Norway.\nIt lies at a fjord; the café « Fjord » is there."
ALL = ("coherence", "factuality", "conciseness")
ONE = ("coherence",)


def part(score: Any = 4, **changes: Any) -> dict[str, Any]:
    """One criterion as it should be, with changes; a value of ... takes the key away."""
    body = {"quotes": ["Oslo is the capital"], "rationale": "Clear.", "flags": [], "null_reason": None, "score": score}
    return {key: value for key, value in (body | changes).items() if value is not ...}


def facts(score: Any = 5, **changes: Any) -> dict[str, Any]:
    lists = {
        "claims": [{"claim": "Oslo is the capital", "verdict": "supported"}],
        "key_points": [{"key_point": "Oslo", "verdict": "covered"}],
    }
    return part(score, **(lists | changes))


def one(score: Any = 4, **changes: Any) -> str:
    return json.dumps({"coherence": part(score, **changes)})


def three(**changes: Any) -> str:
    """All criteria, with whole ones exchanged; a value of ... takes the criterion away."""
    body = {"coherence": part(4), "factuality": facts(5), "conciseness": part(3)} | changes
    return json.dumps({key: value for key, value in body.items() if value is not ...})


def raw_score(written: str) -> str:
    """One criterion with a score written by hand."""
    return one().replace('"score": 4', f'"score": {written}')


GOOD = one()
BRACES = 'She said "}" and then \\"}'

# name, criteria asked for, reply, expected status ("unreadable" where there is nothing to read), expected scores
TABLE: list[tuple[str, tuple[str, ...], str, str, dict[str, int | None]]] = [
    ("as asked", ALL, three(), "ok", {"coherence": 4, "factuality": 5, "conciseness": 3}),
    ("one as asked", ONE, GOOD, "ok", {"coherence": 4}),
    ("without the outer object", ONE, json.dumps(part(2)), "ok", {"coherence": 2}),
    # around the JSON
    ("fenced", ONE, f"```json\n{GOOD}\n```", "ok", {"coherence": 4}),
    ("fenced without a language", ONE, f"```\n{GOOD}\n```", "ok", {"coherence": 4}),
    ("prose around", ONE, f"Sure! I give it a 2.\n{GOOD}\nA 5 would be too much.", "ok", {"coherence": 4}),
    ("byte order mark", ONE, f"\ufeff{GOOD}", "ok", {"coherence": 4}),
    ("white space around", ONE, f"\n\n  {GOOD}\n ", "ok", {"coherence": 4}),
    ("thought before", ONE, f"<think>Is it a 1?</think>{GOOD}", "ok", {"coherence": 4}),
    ("braces in a thought before", ONE, f'<think>"{{a 1?}}"</think>{GOOD}', "unreadable", {}),
    ("braces after", ONE, GOOD + " {that is all}", "ok", {"coherence": 4}),
    ("braces and quotes inside its texts", ONE, f"Here: {one(rationale=BRACES)} Done.", "ok", {"coherence": 4}),
    ("the same object twice", ONE, f"{GOOD}\n{GOOD}", "ok", {"coherence": 4}),
    ("two objects", ONE, f"{one(2)}\n{one(4)}", "unreadable", {}),
    ("an example first", ONE, f'{{"score": 5}} would be the form: {GOOD}', "unreadable", {}),
    ("braces before", ONE, "My {honest} view: " + GOOD, "unreadable", {}),
    ("markdown", ONE, "**Coherence**: 4/5\n\n- reads well", "unreadable", {}),
    ("a table", ALL, "| coherence | 4 |\n| factuality | 5 |", "unreadable", {}),
    ("a bare score", ONE, "4", "unreadable", {}),
    ("4 out of 5 as the reply", ONE, "4 out of 5", "unreadable", {}),
    ("a list", ONE, f"[{GOOD}]", "ok", {"coherence": 4}),
    ("a list of two", ONE, f"[{one(1)}, {one(5)}]", "unreadable", {}),
    ("a string", ONE, json.dumps("4"), "unreadable", {}),
    ("null", ONE, "null", "unreadable", {}),
    ("empty", ONE, "", "unreadable", {}),
    ("an empty object", ONE, "{}", "invalid", {}),
    ("html", ONE, "<p>4</p>", "unreadable", {}),
    # broken JSON
    ("trailing comma", ONE, GOOD.replace("}}", ",}}"), "unreadable", {}),
    ("single quotes", ONE, GOOD.replace('"', "'"), "unreadable", {}),
    ("truncated", ONE, GOOD[:-12], "unreadable", {}),
    ("truncated before the score", ONE, GOOD[:40], "unreadable", {}),
    ("comments", ONE, GOOD.replace('"score"', '/* high */ "score"'), "unreadable", {}),
    ("duplicate scores", ONE, raw_score('2, "score": 4'), "unreadable", {}),
    ("duplicate criteria", ONE, f'{{"coherence": {json.dumps(part(1))}, {GOOD[1:]}', "unreadable", {}),
    ("NaN", ONE, raw_score("NaN"), "unreadable", {}),
    ("Infinity", ONE, raw_score("Infinity"), "unreadable", {}),
    ("unicode digits", ONE, raw_score("٤"), "unreadable", {}),
    ("nested too deeply", ONE, '{"a":' * 100_000, "unreadable", {}),
    ("control characters", ONE, GOOD.replace("Clear.", "Clear.\n\tYes\x01."), "ok", {"coherence": 4}),
    ("an unescaped quote", ONE, GOOD.replace("Clear.", 'It is "clear".'), "unreadable", {}),
    # the score
    ("4.0", ONE, raw_score("4.0"), "ok", {"coherence": 4}),
    ("4.5", ONE, raw_score("4.5"), "invalid", {}),
    ('"2.5"', ONE, one("2.5"), "invalid", {}),
    ('"4 out of 5"', ONE, one("4 out of 5"), "ok", {"coherence": 4}),
    ('"4/5"', ONE, one("4/5"), "ok", {"coherence": 4}),
    ('"4"', ONE, one("4"), "ok", {"coherence": 4}),
    ('"Score: 4"', ONE, one("Score: 4"), "ok", {"coherence": 4}),
    ('"4/10"', ONE, one("4/10"), "invalid", {}),
    ('"4/50"', ONE, one("4/50"), "invalid", {}),
    ('"1,000"', ONE, one("1,000"), "invalid", {}),
    ('"3-4"', ONE, one("3-4"), "invalid", {}),
    ('"-4"', ONE, one("-4"), "invalid", {}),
    ('"٤"', ONE, one("٤"), "invalid", {}),
    ('"４"', ONE, one("４"), "invalid", {}),
    ('"⁴"', ONE, one("⁴"), "invalid", {}),
    ('"four"', ONE, one("four"), "invalid", {}),
    ('"IV"', ONE, one("IV"), "invalid", {}),
    ('"null"', ONE, one("null"), "invalid", {}),
    ('"NaN"', ONE, one("NaN"), "invalid", {}),
    ("a sentence with two numbers", ONE, one("4 out of 5 key points are covered; score 3"), "invalid", {}),
    ("7", ONE, one(7), "invalid", {}),
    ("6", ONE, one(6), "invalid", {}),
    ("0", ONE, one(0), "invalid", {}),
    ("-1", ONE, one(-1), "invalid", {}),
    ("45", ONE, one("45"), "invalid", {}),
    ("just below 5", ONE, raw_score("4.9999999"), "invalid", {}),
    ("1e400", ONE, raw_score("1e400"), "invalid", {}),
    ("-1e400", ONE, raw_score("-1e400"), "invalid", {}),
    ("4e0", ONE, raw_score("4e0"), "ok", {"coherence": 4}),
    ("a huge integer", ONE, raw_score("9" * 4000), "invalid", {}),
    ("a huger integer", ONE, raw_score("9" * 9000), "unreadable", {}),
    ("a huge integer as text", ONE, one("9" * 4000), "invalid", {}),
    ("true", ONE, one(True), "invalid", {}),
    ("an object", ONE, one({"value": 4}), "invalid", {}),
    ("a list as the score", ONE, one([4]), "invalid", {}),
    ("no score", ONE, one(...), "invalid", {}),
    ("null without a reason", ONE, one(None), "invalid", {}),
    ("null with a blank reason", ONE, one(None, null_reason="  "), "invalid", {}),
    ("null with a reason of another type", ONE, one(None, null_reason=3), "invalid", {}),
    ("null with a reason", ONE, one(None, null_reason="No reference."), "ok", {"coherence": None}),
    ("null with a reason and no quotes", ONE, one(None, null_reason="No.", quotes=[]), "ok", {"coherence": None}),
    ("a reason beside a score", ONE, one(4, null_reason="none"), "ok", {"coherence": 4}),
    # the evidence
    ("an invented quote", ONE, one(quotes=["Bergen is the capital"]), "invalid", {}),
    ("one invented quote of two", ONE, one(quotes=["Oslo", "Bergen"]), "invalid", {}),
    ("an invented quote for a null", ONE, one(None, null_reason="No.", quotes=["Bergen"]), "invalid", {}),
    ("a quote in other letters", ONE, one(quotes=["OSLO IS"]), "invalid", {}),
    ("a quote with other white space", ONE, one(quotes=[" Norway. It \t lies"]), "ok", {"coherence": 4}),
    ("a quote with other accents", ONE, one(quotes=["cafe\u0301"]), "ok", {"coherence": 4}),
    ("a quote of the whole answer", ONE, one(quotes=[ANSWER]), "ok", {"coherence": 4}),
    ("a quote across a gap", ONE, one(quotes=["Oslo ... Norway"]), "invalid", {}),
    ("an empty quote", ONE, one(quotes=[""]), "invalid", {}),
    ("a blank quote", ONE, one(quotes=[" \n"]), "invalid", {}),
    ("no quotes", ONE, one(quotes=[]), "invalid", {}),
    ("the quotes left away", ONE, one(quotes=...), "invalid", {}),
    ("too many quotes", ONE, one(quotes=["Oslo"] * (MAX_QUOTES + 1)), "invalid", {}),
    ("as many quotes as may be", ONE, one(quotes=["Oslo"] * MAX_QUOTES), "ok", {"coherence": 4}),
    ("a quote that is no text", ONE, one(quotes=[4]), "invalid", {}),
    ("quotes as one text", ONE, one(quotes="Oslo"), "invalid", {}),
    ("a rationale that is no text", ONE, one(rationale=["Clear."]), "invalid", {}),
    ("no rationale", ONE, one(rationale=...), "ok", {"coherence": 4}),
    ("flags as one text", ONE, one(flags="refusal"), "invalid", {}),
    ("a flag nobody knows", ONE, one(flags=["lovely"]), "ok", {"coherence": 4}),
    ("no claims", ("factuality",), json.dumps({"factuality": part()}), "invalid", {}),
    ("claims as texts", ("factuality",), json.dumps({"factuality": facts(claims=["Oslo"])}), "invalid", {}),
    (
        "a claim with another verdict",
        ("factuality",),
        json.dumps({"factuality": facts(claims=[{"claim": "Oslo", "verdict": "true"}])}),
        "invalid",
        {},
    ),
    ("no key points", ("factuality",), json.dumps({"factuality": facts(key_points=...)}), "invalid", {}),
    ("no claim at all", ("factuality",), json.dumps({"factuality": facts(claims=[])}), "ok", {"factuality": 5}),
    # the form
    ("a missing criterion", ALL, three(factuality=...), "partial", {"coherence": 4, "conciseness": 3}),
    ("a criterion that is null", ALL, three(factuality=None), "partial", {"coherence": 4, "conciseness": 3}),
    ("a criterion that is a number", ALL, three(factuality=5), "partial", {"coherence": 4, "conciseness": 3}),
    ("a criterion that is a list", ALL, three(coherence=[part()]), "partial", {"factuality": 5, "conciseness": 3}),
    ("one score out of range", ALL, three(conciseness=part(9)), "partial", {"coherence": 4, "factuality": 5}),
    (
        "every score out of range",
        ALL,
        three(coherence=part(0), factuality=facts(6), conciseness=part(9)),
        "invalid",
        {},
    ),
    ("another criterion only", ONE, json.dumps({"style": part(4)}), "invalid", {}),
    ("extra keys", ONE, json.dumps({"coherence": part(4, mood="good"), "overall": 1}), "ok", {"coherence": 4}),
    ("nested in an answer", ONE, json.dumps({"answer": {"coherence": part(4)}}), "invalid", {}),
    ("nested in a list", ONE, json.dumps({"criteria": [{"id": "coherence", "score": 4}]}), "invalid", {}),
    ("other names", ONE, json.dumps({"Coherence": part(4)}), "invalid", {}),
    ("a flat score for all", ALL, json.dumps(part(4)), "invalid", {}),
    ("flat scores", ALL, json.dumps({"coherence": 4, "factuality": 5, "conciseness": 3}), "invalid", {}),
]


@pytest.mark.parametrize(
    ("asked", "reply", "status", "scores"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_every_malformation_has_its_status_and_none_a_wrong_score(
    asked: tuple[str, ...], reply: str, status: str, scores: dict[str, int | None]
) -> None:
    if status == "unreadable":
        with pytest.raises(UnreadableError):
            read_verdict(reply, asked, ANSWER)
        return
    verdict = read_verdict(reply, asked, ANSWER)
    assert verdict.status == status, verdict.problem
    assert {c.criterion: c.score for c in verdict.usable} == scores
    assert tuple(c.criterion for c in verdict.criteria) == asked
    assert [c.score for c in verdict.criteria if c.problem] == [None] * (len(asked) - len(scores))
    assert (verdict.problem is None) == (status == "ok")


def test_the_table_holds_at_least_forty_malformations() -> None:
    assert len([row for row in TABLE if row[3] != "ok"]) >= 40


# --- whatever is replied --------------------------------------------------------------------------------------------

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["4", "4/5"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
parts = st.fixed_dictionaries(
    {"score": values},
    optional={
        "quotes": values | st.just(["Oslo"]),
        "rationale": values,
        "flags": values | st.lists(st.sampled_from(FLAGS)),
        "null_reason": values,
        "claims": values | st.just([]),
        "key_points": values | st.just([]),
    },
)
bodies = st.dictionaries(st.sampled_from(ALL), parts | values)
replies = (
    st.text()
    | bodies.map(json.dumps)
    | st.tuples(bodies.map(json.dumps), st.text(), st.text()).map(lambda made: made[1] + made[0] + made[2])
)


@settings(deadline=None)
@given(replies, st.sampled_from([ALL, ONE, ("factuality",)]), st.sampled_from([ANSWER, "", "\0\ud800"]))
@example(raw_score("1e400"), ONE, ANSWER)
@example(raw_score("9" * 4000), ONE, ANSWER)
@example('{"a":' * 3000 + "1" + "}" * 3000, ONE, ANSWER)
@example(json.dumps({"coherence": part([[]] * 3)}), ONE, ANSWER)
@example('{"coherence": {"score": ' + "[" * 900 + "]" * 900 + "}}", ONE, ANSWER)
def test_any_text_gives_a_verdict_or_is_unreadable_and_a_score_is_an_integer_from_1_to_5(
    reply: str, asked: tuple[str, ...], answer: str
) -> None:
    try:
        verdict = read_verdict(reply, asked, answer)
    except UnreadableError:
        verdict = read_bare_score(reply, asked[0])
    assert verdict.status in ("ok", "partial", "invalid", "unparsed")
    for c in verdict.criteria:
        assert c.score is None or (type(c.score) is int and 1 <= c.score <= 5)
        assert c.score is not None or c.null_reason or c.problem
        assert c.problem is None or c.score is None
        texts = [c.rationale, c.null_reason or "", *c.quotes, *(text for pair in c.claims for text in pair.values())]
        assert "\0" not in "".join(texts)
        "".join(texts).encode("utf-8")


@settings(deadline=None)
@given(st.integers(1, 5), st.text(max_size=30), st.text("{}[]\"'\\ab\n`", max_size=30))
def test_a_sound_verdict_is_read_as_it_is_whatever_its_texts_hold(score: int, answer: str, rationale: str) -> None:
    quotes = [answer] if answer.split() else ["x"]
    verdict = read_verdict(one(score, quotes=quotes, rationale=rationale), ONE, answer if answer.split() else "x")
    assert (verdict.status, verdict.criteria[0].score) == ("ok", score), verdict.problem
    assert verdict.criteria[0].rationale == rationale


def test_evidence_is_kept_as_it_was_given() -> None:
    verdict = read_verdict(three(factuality=facts(2, flags=["refusal", "odd", "off_topic"])), ALL, ANSWER)
    found = verdict.criteria[1]
    assert found.claims == ({"claim": "Oslo is the capital", "verdict": "supported"},)
    assert found.key_points == ({"key_point": "Oslo", "verdict": "covered"},)
    assert (found.quotes, found.rationale, found.flags) == (
        ("Oslo is the capital",),
        "Clear.",
        ("refusal", "off_topic"),
    )


def test_a_problem_names_its_criterion_and_what_was_wrong() -> None:
    verdict = read_verdict(three(conciseness=part(9), coherence=part(quotes=["Bergen"])), ALL, ANSWER)
    assert verdict.problem == (
        "coherence: the quote 'Bergen' does not occur in the answer; conciseness: the score 9 is not between 1 and 5"
    )


def test_an_empty_answer_needs_no_quotes() -> None:
    assert read_verdict(one(1, quotes=[]), ONE, " \n").status == "ok"
    assert read_verdict(one(1, quotes=["Oslo"]), ONE, "").status == "invalid"


@pytest.mark.parametrize("answer", ["a\0b", "a\ud800b"])
def test_an_answer_that_was_made_storable_can_still_be_quoted(answer: str) -> None:
    assert read_verdict(json.dumps({"coherence": part(quotes=[answer])}), ONE, answer).status == "ok"


def test_texts_are_made_storable() -> None:
    lists = {"claims": [{"claim": "\ud800", "verdict": "supported"}], "key_points": []}
    claim = read_verdict(json.dumps({"factuality": facts(4, **lists)}), ("factuality",), ANSWER).criteria[0].claims
    assert claim == ({"claim": "\ufffd", "verdict": "supported"},)
    assert read_verdict(one(quotes=["a\ud800"]), ONE, "a\ufffd").criteria[0].quotes == ("a\ufffd",)
    found = read_verdict(one(rationale="a\0\ud800"), ONE, ANSWER).criteria[0]
    assert found.rationale == "a\ufffd\ufffd"
    null = read_verdict(one(None, null_reason="a\0"), ONE, ANSWER).criteria[0]
    assert null.null_reason == "a\ufffd"


def test_why_a_reply_is_unreadable_is_said_for_the_repair() -> None:
    for reply, why in (
        ("4 of 5", "no complete JSON object"),
        ("{'a': 1}", "malformed"),
        (one(2) + one(3), "more than one JSON object"),
    ):
        with pytest.raises(UnreadableError, match=why):
            find_object(reply)


# --- the last resort ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "score"),
    [("4", 4), ("4 out of 5", 4), ("4/5.", 4), (" Score: 3\n", 3), ("score=2", 2), ("5 / 5", 5), ("4.0", 4), ("1.", 1)],
)
def test_a_reply_that_is_nothing_but_a_score_is_one_without_evidence(reply: str, score: int) -> None:
    verdict = read_bare_score(reply, "coherence")
    assert (verdict.status, verdict.criteria[0].score, verdict.criteria[0].flags) == ("ok", score, ("no_evidence",))


@pytest.mark.parametrize("reply", ["2.5", "2,5", "7", "0", "4.5/5", "score: 9", "10 out of 5", "99999"])
def test_a_bare_score_out_of_the_scale_is_invalid(reply: str) -> None:
    assert read_bare_score(reply, "coherence") == Verdict("invalid", problem=read_bare_score(reply, "x").problem)


@pytest.mark.parametrize(
    "reply",
    ["", "four", "I give it 4", "4 out of 5 key points are covered; score 3", "4 or 5", "4/10", "-4", "４", "9" * 5000],
)
def test_prose_is_no_score(reply: str) -> None:
    verdict = read_bare_score(reply, "coherence")
    assert (verdict.status, verdict.criteria) == ("unparsed", ())


@settings(deadline=None)
@given(st.integers() | st.floats() | st.text() | st.none() | st.booleans())
def test_a_score_is_read_whole_or_refused(value: Any) -> None:
    try:
        score = read_score(value)
    except ValueError:
        return
    assert type(score) is int
    assert 1 <= score <= 5
    assert not isinstance(value, int | float) or score == value


# --- what is asked for ----------------------------------------------------------------------------------------------


def test_the_form_asks_for_the_evidence_first_and_the_score_last() -> None:
    schema = reply_schema(ALL)
    assert list(schema["properties"]) == list(ALL)
    for name, body in schema["properties"].items():
        order = list(body["properties"])
        assert order[-1] == "score"
        assert order.index("quotes") < order.index("rationale") < order.index("score")
        assert ("claims" in order) == (name == "factuality")
        assert body["required"] == order
        assert body["properties"]["score"]["enum"] == [1, 2, 3, 4, 5, None]


def objects_in(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, list):
        return [found for item in schema for found in objects_in(item)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(found for item in schema.values() for found in objects_in(item))]


def test_the_form_is_one_that_openais_strict_mode_takes() -> None:
    for found in objects_in(reply_schema(ALL)):
        if found.get("type") == "object":
            assert found["additionalProperties"] is False
            assert set(found["required"]) == set(found["properties"])
        assert not {"maxLength", "maxItems", "minItems", "minimum", "maximum"} & set(found)


def test_bounds_are_on_every_text_and_list_where_they_are_asked_for() -> None:
    for found in objects_in(reply_schema(ALL, bounded=True)):
        if found.get("type") == "array":
            assert found["maxItems"] == MAX_QUOTES
        if found.get("type") in ("string", ["string", "null"]) and "enum" not in found:
            assert found["maxLength"] == 400


def test_quick_asks_once_for_all_and_study_once_for_each() -> None:
    assert criteria_by_call(built_in(), "quick") == (ALL,)
    assert criteria_by_call(built_in(), "study") == tuple((name,) for name in ALL)
