"""Draws one question and one target's answer to it: text, facts and every rater's verdict.

What models wrote goes through answer_text or st.text, never through markdown. Choosing what is shown is the page's job.
"""

from collections.abc import Sequence

import streamlit as st

from dashboard.answer_tables import source_name
from dashboard.answer_text import answer_text
from dashboard.format import milliseconds, number, plain, plural
from dashboard.highlight import Mark
from dashboard.target_mark import target_mark
from db.models import Answer, AssessmentStatus, Question, RaterKind, Score
from db.side_by_side import Reply, Verdict

CLAIM_SIGNS = {
    "supported": "✓ supported",
    "contradicted": "✗ contradicted",
    "not_in_reference": "? not in the reference",
}
POINT_SIGNS = {"covered": "✓ covered", "missing": "✗ missing"}
FLAGS = {
    "refusal": "refuses to answer",
    "off_topic": "off topic",
    "instruction_in_answer": "holds instructions to the judge",
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


def _facts(answer: Answer) -> None:
    about = "" if not answer.tokens_estimated else " (estimated)"
    facts = [f"total {milliseconds(answer.total_ms)}"]
    if answer.streamed and answer.ttft_ms is not None:
        facts.insert(0, f"first token {milliseconds(answer.ttft_ms)}")
    facts.append(f"{number(answer.prompt_tokens, 0)} tokens in, {number(answer.completion_tokens, 0)} out{about}")
    if answer.reasoning_tokens:
        facts.append(f"{answer.reasoning_tokens:,} of them reasoning")
    if answer.tokens_per_s is not None:
        facts.append(f"{answer.tokens_per_s:.0f} tokens/s")
    st.caption(" · ".join(facts))
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


def show_reply(reply: Reply, name: str, target: str, order: Sequence[str], shown: str | None) -> None:
    """One target's card, under its name and its mark; `order` holds all stored targets.

    `shown` says whose quotes are marked ("all", a criterion, None).
    """
    answer = reply.answer
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        target_mark(target, order, key=f"mark-{answer.id}")
        st.subheader(plain(name), anchor=False)
    if answer.error_kind is not None:
        st.error("This answer failed.", icon=":material/error:")
        st.text(answer.error or answer.error_kind)
        return
    _facts(answer)
    with st.container(border=True):
        answer_text(answer.text or "", key=f"answer-{answer.id}", marks=marks_of(reply.verdicts, shown))
    if not reply.verdicts:
        st.caption("Not assessed yet.")
    for verdict in reply.verdicts:
        _show_verdict(verdict)


def _show_verdict(verdict: Verdict) -> None:
    assessment, rater = verdict.assessment, verdict.rater
    person = rater.kind == RaterKind.person
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.markdown(f":material/{'person' if person else 'gavel'}: {plain(source_name(verdict))}", width="content")
        for score in verdict.scores:
            st.badge(f"{plain(score.criterion)} {'none' if score.value is None else score.value}", color="gray")
        for flag in assessment.flags:
            st.badge((FLAGS | RATER_FLAGS).get(flag, plain(flag)), color="orange", icon=":material/flag:")
        if assessment.same_family:
            st.badge(
                "same family",
                color="orange",
                help="Judge and target belong to one model family; judges tend to favour their own.",
            )
    if said := STATUSES.get(assessment.status):
        st.caption(said)
    with st.expander("Note and reasons" if person else "Reasons", key=f"verdict-{assessment.id}"):
        _reasons(verdict)


def _reasons(verdict: Verdict) -> None:
    assessment = verdict.assessment
    if assessment.note:
        st.text(assessment.note)
    for score in verdict.scores:
        _show_score(score)
    if assessment.error:
        st.text(assessment.error)
    if assessment.status in (AssessmentStatus.unparsed, AssessmentStatus.invalid) and assessment.raw_reply:
        st.caption("What the judge replied:")
        st.code(assessment.raw_reply, language=None, wrap_lines=True)
    if not (assessment.note or verdict.scores or assessment.error or assessment.raw_reply):
        st.caption("Nothing more was given.")
    if verdict.replaced:
        st.caption(f"{plural(verdict.replaced, 'earlier verdict')} of the same rater kept, but not counted.")


def _show_score(score: Score) -> None:
    st.markdown(f"**{plain(score.criterion.capitalize())}: {'not judged' if score.value is None else score.value}**")
    lines = [score.null_reason or "", score.rationale or ""]
    lines += [f"{CLAIM_SIGNS.get(c.get('verdict', ''), '')}: {c.get('claim', '')}" for c in score.claims]
    lines += [f"{POINT_SIGNS.get(p.get('verdict', ''), '')}: {p.get('key_point', '')}" for p in score.key_points]
    lines += [f"⚑ {FLAGS.get(flag, flag)}" for flag in score.flags]
    if said := "\n".join(line for line in lines if line):
        st.text(said)
