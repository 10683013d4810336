"""Draws one question and one target's answer to it: text, facts and every rater's verdict.

What models wrote goes through answer_text or st.text, never through markdown. Choosing what is shown is the page's job.
"""

from collections.abc import Sequence

import streamlit as st

from dashboard.answer_facts import by_rater, evidence_facts, flicker_fact, panel_fact, scores_of, wording_facts
from dashboard.answer_tables import source_name
from dashboard.answer_text import answer_text
from dashboard.format import milliseconds, number, plain, plural
from dashboard.highlight import Mark, occurring
from dashboard.target_mark import target_mark
from db.models import Answer, AssessmentStatus, CheckResult, Question, RaterKind, Score
from db.side_by_side import Reply, Verdict

CLAIM_SIGNS = {
    "supported": "✓ supported",
    "contradicted": "✗ contradicted",
    "not_in_reference": "? not in the reference",
}
POINT_SIGNS = {"covered": "✓ covered", "missing": "✗ missing"}
CHECK_SIGNS = {True: "✓ met", False: "✗ not met", None: "? not told"}
CHECK_KINDS = {"must": "must", "must_not": "must not"}
FLAGS = {
    "refusal": "refuses to answer",
    "off_topic": "off topic",
    "instruction_in_answer": "holds instructions to the judge",
    "moved_by_instruction": "scored without the instructions; another score with them",
    "needs_reference": "cannot be checked without a reference",
    "no_evidence": "score without evidence",
}
RATER_FLAGS = {  # what people may flag; the key F sets the first
    "second_look": "Second look",
    "question_unclear": "Question unclear",
    "reference_wrong": "Reference wrong",
    "unreadable": "Not readable",
}
STATUSES = {
    AssessmentStatus.unparsed: "The judge's reply could not be read, so there is no score.",
    AssessmentStatus.invalid: "The judge's reply broke the rules (a score out of range, a quote that is not in the "
    "answer), so there is no score.",
    AssessmentStatus.error: "The judge could not be reached, so there is no score.",
    AssessmentStatus.withdrawn: "This person took the scores back.",
}
FINISHED = {
    "length": "cut off at the output limit",
    "content_filter": "stopped by the server's content filter",
    "tool_calls": "asked for a tool instead of answering",
}


def show_question(question: Question) -> None:
    """The question as text; its reference, key points and documents to be opened."""
    show_asked(question)
    show_material(question)


def show_asked(question: Question) -> None:
    """The question alone, as text."""
    answer_text(question.text, key="question-text", lead=True)


def show_material(question: Question, *, expanded: bool = False) -> None:
    """What an answer is held against: reference and key points, open at once where asked for, and the documents."""
    documents = question.documents
    sides = st.columns(2) if documents else [st.container()]
    with sides[0].expander("Reference answer and key points", icon=":material/fact_check:", expanded=expanded):
        if not question.answerable:
            st.caption("The documents do not hold the answer; the right reply says so.")
        answer_text(question.reference, key="question-reference", nothing="This question has no reference answer.")
        if question.key_points:
            st.text("\n".join(f"• {point}" for point in question.key_points))
    if documents:
        with sides[-1].expander(plural(len(documents), "document"), icon=":material/description:"):
            for i, document in enumerate(documents):
                answer_text(document.get("title") or f"Document {i + 1}", key=f"question-title-{i}", lead=True)
                answer_text(document.get("text", ""), key=f"question-document-{i}")


def marks_of(verdicts: Sequence[Verdict], shown: str | None) -> list[Mark]:
    """The quotes of some verdicts: of all criteria, of one, or of none."""
    return [
        Mark(quote, score.criterion, f"{score.criterion}: {source_name(verdict)}")
        for verdict in verdicts
        for score in verdict.scores
        for quote in score.quotes
        if shown in ("all", score.criterion)
    ]


def _facts(answer: Answer, reference: str) -> None:
    about = "" if not answer.tokens_estimated else " (estimated)"
    facts = [f"total {milliseconds(answer.total_ms)}"]
    if answer.streamed and answer.ttft_ms is not None:
        facts.insert(0, f"first token {milliseconds(answer.ttft_ms)}")
    facts.append(f"{number(answer.prompt_tokens, 0)} tokens in, {number(answer.completion_tokens, 0)} out{about}")
    if answer.reasoning_tokens:
        facts.append(f"{answer.reasoning_tokens:,} of them reasoning")
    if answer.tokens_per_s is not None:
        facts.append(f"{answer.tokens_per_s:.0f} tokens/s")
    st.caption("  \n".join(" · ".join(line) for line in (facts, wording_facts(answer, reference)) if line))
    if said := FINISHED.get(answer.finish_reason or ""):
        st.badge(said, color="orange", icon=":material/content_cut:")
    if answer.client_limited:
        st.badge(
            "measured while this computer was busy",
            color="orange",
            icon=":material/speed:",
            help="This process itself lagged during the call, so the time may be too long.",
        )
    if answer.attempts > 1:
        st.badge(f"took {answer.attempts} tries", color="gray", icon=":material/replay:")


def show_reply(
    reply: Reply, name: str, target: str, order: Sequence[str], shown: str | None, reference: str = ""
) -> None:
    """One target's card, under its name and its mark; `order` holds all stored targets.

    `shown` says whose quotes are marked ("all", a criterion, None); `reference` is what the answer's length is held
    against.
    """
    answer = reply.answer
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        target_mark(target, order, key=f"mark-{answer.id}")
        st.subheader(plain(name), anchor=False)
    if answer.error_kind is not None:
        st.error("This answer failed.", icon=":material/error:")
        st.text(answer.error or answer.error_kind)
        return
    _facts(answer, reference)
    with st.container(border=True):
        answer_text(answer.text or "", key=f"answer-{answer.id}", marks=marks_of(reply.verdicts, shown))
    if not reply.verdicts:
        st.caption("Not assessed yet.")
    if said := panel_fact(reply.verdicts):
        st.caption(plain(said))
    for readings in by_rater(reply.verdicts):
        _show_readings(readings, answer.text or "")


def points(value: float | None) -> str:
    """A score as people read it: 4, or 4.33 where it lies between two."""
    return "none" if value is None else f"{value:.3g}"


def _show_readings(readings: Sequence[Verdict], text: str) -> None:
    """What one rater says: a judge that read the answer several times says it once, with the mean of its scores."""
    first = readings[0]
    person = first.rater.kind == RaterKind.person
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.markdown(f":material/{'person' if person else 'gavel'}: {plain(source_name(first))}", width="content")
        for criterion, value in scores_of(readings).items():
            st.badge(f"{plain(criterion)} {points(value)}", color="gray")
        for flag in dict.fromkeys(flag for verdict in readings for flag in verdict.assessment.flags):
            st.badge((FLAGS | RATER_FLAGS).get(flag, plain(flag)), color="orange", icon=":material/flag:")
        if any(verdict.assessment.same_family for verdict in readings):
            st.badge(
                "same family",
                color="orange",
                help="Judge and target belong to one model family; judges tend to favour their own.",
            )
    for status in dict.fromkeys(verdict.assessment.status for verdict in readings):
        if said := STATUSES.get(status):
            st.caption(said)
    facts = [flicker_fact(readings)] if len(readings) > 1 else evidence_facts(first, text)
    if said := " · ".join(fact for fact in facts if fact):
        st.caption(plain(said))
    with st.expander("Note and reasons" if person else "Reasons", key=f"verdict-{first.assessment.id}"):
        for number, verdict in enumerate(readings, 1):
            if len(readings) > 1:
                of_all = [f"Reading {number} of {len(readings)}", *evidence_facts(verdict, text)]
                st.caption(plain(" · ".join(of_all)))
            _reasons(verdict, text)


def _reasons(verdict: Verdict, text: str) -> None:
    assessment = verdict.assessment
    if assessment.note:
        st.text(assessment.note)
    for score in verdict.scores:
        _show_score(score, text)
    if verdict.checks:
        st.markdown("**Checks**")
        st.text("\n".join(_check_line(check) for check in verdict.checks))
    if assessment.error:
        st.text(assessment.error)
    if assessment.status in (AssessmentStatus.unparsed, AssessmentStatus.invalid) and assessment.raw_reply:
        st.caption("What the judge replied:")
        st.code(assessment.raw_reply, language=None, wrap_lines=True)
    if not (assessment.note or verdict.scores or verdict.checks or assessment.error or assessment.raw_reply):
        st.caption("Nothing more was given.")
    if verdict.replaced:
        st.caption(f"{plural(verdict.replaced, 'earlier verdict')} of the same rater kept, but not counted.")


def _check_line(check: CheckResult) -> str:
    return f"{CHECK_SIGNS[check.met]}: {CHECK_KINDS.get(check.kind, check.kind)} {check.text}"


def _show_score(score: Score, text: str) -> None:
    value = "not judged" if score.value is None else points(score.value)
    st.markdown(f"**{plain(score.criterion.capitalize())}: {value}**")
    lines = [score.null_reason or "", score.rationale or ""]
    lines += [f"{CLAIM_SIGNS.get(c.get('verdict', ''), '')}: {c.get('claim', '')}" for c in score.claims]
    lines += [f"{POINT_SIGNS.get(p.get('verdict', ''), '')}: {p.get('key_point', '')}" for p in score.key_points]
    found = occurring(text, score.quotes)
    lines += [f"“{q}”" if there else f"“{q}” (not in the answer)" for q, there in zip(score.quotes, found, strict=True)]
    lines += [f"⚑ {FLAGS.get(flag, flag)}" for flag in score.flags]
    if said := "\n".join(line for line in lines if line):
        st.text(said)
