"""Results of promptfoo: the JSON that `promptfoo eval --output results.json` writes, version 3.

Each provider and prompt becomes a run, each test a question, each repeated test a repeat. Two rubrics: the score of the
whole test, and one criterion for each kind of assertion; whether an assertion passed stands beside them as a yes/no
check. The format is that of promptfoo's EvaluateSummaryV3, EvaluateResult and GradingResult.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.faults import Faults
from eval.interchange.foreign import (
    Criteria,
    LeftOut,
    clean,
    count_at,
    dig,
    not_this,
    number_at,
    text_at,
    whole_document,
)
from eval.interchange.loading import Raw, Source
from eval.interchange.naming import criterion_ids, question_ids
from eval.interchange.scales import Scales
from eval.provenance import model_family

FORMAT = "promptfoo"
VERSION = 3
WHOLE, PARTS = "promptfoo score", "promptfoo assertions"
ERROR = 2  # promptfoo's reason for a result that no provider answered
_TEXTUAL = {"equals", "similar", "levenshtein", "factuality", "model-graded-factuality", "bleu", "gleu", "meteor"}
_TEXTUAL |= {"rouge-n", "similar:cosine", "similar:dot", "similar:euclidean", "context-recall"}
_LEFT = {
    "the cost of an answer (prices are set here)": ("cost",),
    "metadata of a test": ("testCase", "metadata"),
    "an image, sound or video of an answer": ("response", "images"),
    "what a comparison or redteam plugin added": ("metadata", "redteamHistory"),
}


@dataclass
class _Results:
    """What is gathered before it is told as records."""

    criteria: Criteria
    left_out: LeftOut
    questions: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)  # of a test as JSON, the question's name
    targets: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    answers: list[Raw] = field(default_factory=list)
    verdicts: list[Raw] = field(default_factory=list)
    repeats: Counter[tuple[str, str]] = field(default_factory=Counter)


def read(path: Path, scales: Scales | None = None) -> Source:
    """The results as a source of records. Raises FileError for what is no such file."""
    data, digest = whole_document(path)
    whole = _parsed(path, data)
    summary = whole if isinstance(dig(whole, "results"), list) else dig(whole, "results")
    version = dig(summary, "version")
    if not isinstance(dig(summary, "results"), list):
        raise not_this(path, "results file of promptfoo", "there is no list results.results")
    if version != VERSION:
        why = f"its version is {version!r}; export the evaluation with a promptfoo that writes version {VERSION}"
        raise not_this(path, f"results file of promptfoo, version {VERSION}", why)
    left_out = LeftOut()

    def records(faults: Faults) -> Iterator[Raw]:
        found = _Results(Criteria(scales or {}, faults), left_out)
        for i, result in enumerate(summary["results"]):
            _take(found, f"results.results[{i}]", result, faults)
        if not summary["results"]:
            faults.add(None, "results.results", "the list is empty", "export an evaluation with results")
        yield from _records(found, whole, summary, path)

    return Source(path, FORMAT, records, lambda: digest, left_out.sentences)


def _parsed(path: Path, data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise not_this(path, "results file of promptfoo", f"it is not JSON ({error})") from None


# --- a result -----------------------------------------------------------------------------------------------------


def _take(found: _Results, where: str, result: Any, faults: Faults) -> None:
    provider, prompt = _provider(result), count_at(result, "promptIdx")
    if not provider or prompt is None:
        field_name, right = ("provider.id", "the provider's id") if not provider else ("promptIdx", "a number from 0")
        return faults.add(where, field_name, "it is missing", f"write {right}")
    name = found.targets.setdefault((provider, prompt), _target(result, provider, prompt))["id"]
    key = _question(found, result)
    repeat = found.repeats[name, key]
    found.repeats[name, key] += 1
    place = {"run": name, "question": key, "repeat": repeat}
    answer = _answer(result, found.left_out)
    found.answers.append((where, {"record": "answer", **place, **answer}))
    if "error" not in answer:
        _verdicts(found, where, place, result)
    for what, part in _LEFT.items():
        found.left_out.count(what, bool(dig(result, *part)))
    return None


def _provider(result: Any) -> str:
    return text_at(result, "provider", "label") or text_at(result, "provider", "id") or text_at(result, "provider")


def _target(result: Any, provider: str, prompt: int) -> dict[str, Any]:
    label = text_at(result, "prompt", "label") or text_at(result, "prompt", "raw")
    full = text_at(result, "provider", "id") or provider
    about = {"id": f"{provider}, prompt {prompt}", "model": full.rpartition(":")[2] or full, "endpoint": full}
    return about | {"provenance": {"promptfoo": {"provider": full, "prompt": label[:2000]}}}


def _question(found: _Results, result: Any) -> str:
    """The name of the question a test asks: repeats of a test have the same variables and assertions."""
    variables = dig(result, "vars") if isinstance(dig(result, "vars"), dict) else {}
    shown = {name: value for name, value in variables.items() if not name.startswith("_")}
    asserted = [_asserted(each) for each in dig(result, "testCase", "assert") or []]
    told = json.dumps([shown, asserted, text_at(result, "testCase", "description")], sort_keys=True)
    if told not in found.keys:
        reference = _reference(shown, asserted)
        asked = {name: value for name, value in shown.items() if clean(_text(value)) != reference or len(shown) == 1}
        texts = [clean(_text(value)) for value in asked.values()]
        text = texts[0] if len(texts) == 1 else "\n".join(f"{n}: {t}" for n, t in zip(asked, texts, strict=True))
        found.keys[told] = f"test-{len(found.keys) + 1}"
        question = {"question": text.strip() or text_at(result, "prompt", "raw"), "reference": reference}
        found.questions[found.keys[told]] = question
    return found.keys[told]


def _asserted(assertion: Any) -> list[Any]:
    return [dig(assertion, "type"), dig(assertion, "value"), dig(assertion, "metric"), dig(assertion, "assert")]


def _reference(variables: dict[str, Any], asserted: list[list[Any]]) -> str:
    """The text that an answer is held against, where an assertion names one."""
    flat = [each for one in asserted for each in (map(_asserted, one[3]) if isinstance(one[3], list) else [one])]
    for kind, value, *_ in flat:
        if kind in _TEXTUAL and isinstance(value, str):
            named = re.fullmatch(r"\{\{\s*(\w+)\s*\}\}", value.strip())
            return clean(_text(variables.get(named[1], "")) if named else value)
    return ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _failed(result: Any) -> bool:
    return dig(result, "failureReason") == ERROR or dig(result, "response", "output") is None


def _answer(result: Any, left_out: LeftOut) -> dict[str, Any]:
    output, error = dig(result, "response", "output"), text_at(result, "error") or text_at(result, "response", "error")
    if _failed(result):
        return {"error_kind": "imported", "error": error[:2000] or "promptfoo has no output for this test."}
    if not isinstance(output, str):
        left_out.count("the structure of an answer that is no text (its JSON is kept as text)")
    given: dict[str, Any] = {"text": clean(_text(output)), "finish_reason": text_at(result, "response", "finishReason")}
    if dig(result, "response", "cached"):
        left_out.count("the time of an answer that came from promptfoo's cache")
        return {name: value for name, value in given.items() if name == "text" or value}
    usage = dig(result, "response", "tokenUsage")
    given |= {
        "total_ms": number_at(result, "response", "latencyMs") or number_at(result, "latencyMs") or None,
        "prompt_tokens": count_at(usage, "prompt"),
        "completion_tokens": count_at(usage, "completion"),
        "reasoning_tokens": count_at(usage, "completionDetails", "reasoning"),
    }
    return {name: value for name, value in given.items() if name == "text" or value not in (None, "")}


# --- scores -------------------------------------------------------------------------------------------------------


def _verdicts(found: _Results, where: str, place: dict[str, Any], result: Any) -> None:
    grading = dig(result, "gradingResult")
    score = number_at(grading, "score")
    if score is None and not _failed(result):  # some versions leave out the grading of a test that failed
        score = number_at(result, "score")
    if score is None:
        return
    found.criteria.add("score", score)
    whole = {"value": score} | ({"rationale": reason} if (reason := text_at(grading, "reason")) else {})
    note = {"note": comment} if (comment := text_at(grading, "comment")) else {}
    about = {"record": "assessment", **place}
    judge = {"kind": "judge", "name": "promptfoo"}
    found.verdicts.append((where, {**about, "rater": judge, "rubric": WHOLE, "scores": {"score": whole}, **note}))
    scores, checks, by_hand = _components(found, dig(grading, "componentResults"))
    if scores:
        given = {"rater": judge, "rubric": PARTS, "scores": scores, "checks": checks}
        found.verdicts.append((where, {**about, **given}))
    if by_hand:
        person = {"kind": "person", "name": "promptfoo reviewer"}
        found.verdicts.append((where, {**about, "rater": person, "rubric": WHOLE, "scores": {"score": by_hand}}))


def _components(found: _Results, components: Any) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any] | None]:
    """Scores by criterion, checks, and what a person said in promptfoo's viewer."""
    scores: dict[str, Any] = {}
    checks: list[dict[str, Any]] = []
    by_hand: dict[str, Any] | None = None
    for component in components if isinstance(components, list) else []:
        kind, score = text_at(component, "assertion", "type"), number_at(component, "score")
        given: dict[str, Any] = {"value": score}
        given |= {"rationale": why} if (why := text_at(component, "reason")) else {}
        if kind == "human":
            found.criteria.add("score", score)
            by_hand = given
            continue
        name = free = text_at(component, "assertion", "metric") or kind or "assertion"
        number = 1
        while free in scores:  # of one kind several times in one test
            number += 1
            free = f"{name} {number}"
        if dig(component, "metadata", "graderError") is True or score is None:
            score, given = None, {"value": None, "null_reason": given.get("rationale", "the grader failed")}
        found.criteria.add(free, score)
        scores[free] = given
        if isinstance(passed := dig(component, "pass"), bool):
            value = dig(component, "assertion", "value")
            said = f"{kind or 'assertion'}: {_text(value)}" if value is not None else kind or name
            checks.append({"kind": "must", "text": clean(said)[:2000], "met": passed})
    return scores, checks, by_hand


# --- records ------------------------------------------------------------------------------------------------------


def _records(found: _Results, whole: Any, summary: Any, path: Path) -> Iterator[Raw]:
    version = text_at(whole, "metadata", "promptfooVersion")
    yield None, {"record": "header", "version": 1, "tool": f"promptfoo {version}".strip()}
    name = text_at(whole, "config", "description") or path.stem
    yield None, {"record": "qa_set", "id": "set", "name": name}
    keys = question_ids(found.questions)
    for key, question in found.questions.items():
        yield key, {"record": "question", "qa_set": "set", "id": keys[key], **question}
    parts = list(
        dict.fromkeys(c for _, verdict in found.verdicts if verdict["rubric"] == PARTS for c in verdict["scores"])
    )
    ids = {"score": "score"} | {name: f"{its}" for name, its in criterion_ids(["score", *parts]).items()}
    for rubric, criteria in ((WHOLE, ["score"]), (PARTS, parts)):
        if any(verdict["rubric"] == rubric for _, verdict in found.verdicts):
            declared = found.criteria.declared(ids, criteria)
            yield None, {"record": "rubric", "id": rubric, "name": rubric, "version": "1", "criteria": declared}
    at_a_time = count_at(whole, "config", "evaluateOptions", "maxConcurrency")
    if at_a_time is None and any("total_ms" in answer for _, answer in found.answers):
        found.left_out.say("The file does not say how many requests ran at a time: concurrency 1 is assumed.")
    if any("total_ms" in answer for _, answer in found.answers):
        found.left_out.say("Times are promptfoo's: they hold its own waits and retries.")
    for target, name in zip(found.targets.values(), _names(found, summary), strict=True):
        about = {"target": name, "group": text_at(whole, "evalId") or None, "family": model_family(target["model"])}
        about |= {"concurrency": at_a_time or 1, "created_at": text_at(summary, "timestamp") or None}
        yield target["id"], {"record": "run", "qa_set": "set", **target, **about}
    for where, answer in found.answers:
        yield where, {**answer, "question": keys[answer["question"]]}
    for where, verdict in found.verdicts:
        scores = {ids[criterion]: score for criterion, score in verdict["scores"].items()}
        yield where, {**verdict, "question": keys[verdict["question"]], "scores": scores}


def _names(found: _Results, summary: Any) -> list[str]:
    """What charts call each provider and prompt: the provider, and where it had several prompts, which."""
    raws = [text_at(prompt, "raw") for prompt in dig(summary, "prompts") or []]
    kinds = list(dict.fromkeys(raws))
    names: list[str] = []
    for provider, prompt in found.targets:
        number = kinds.index(raws[prompt]) + 1 if prompt < len(raws) else prompt + 1
        several = sum(other == provider for other, _ in found.targets) > 1
        name = f"{provider}, prompt {number}" if several else provider
        names.append(f"{name}, column {prompt + 1}" if name in names else name)
    return names
