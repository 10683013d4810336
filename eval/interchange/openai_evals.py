"""Logs of OpenAI evals: the JSONL that `oaieval` records, a spec in the first line and an event in each other.

One log becomes one run. The first thing sampled for a sample is its answer; matches and metrics are scores by a judge
named for the eval. The format is that of evals/record.py: Event, with the data of record_sampling, record_match,
record_metrics and record_error.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.faults import Faults, parse_json
from eval.interchange.foreign import Criteria, LeftOut, clean, count_at, dig, not_this, number_at, text_at
from eval.interchange.lines import Lines, opened
from eval.interchange.loading import Raw, Source
from eval.interchange.naming import criterion_ids, question_ids
from eval.interchange.scales import Scales
from eval.provenance import model_family

FORMAT = "openai-evals"
_REMEDIES = ("keep one event a line", "keep the file as it was recorded")
_LATER = "a later completion of a sample (of the grader, or a further turn)"


@dataclass
class _Sample:
    """What the events say of one sample."""

    where: int
    prompt: str = ""
    texts: list[str] = field(default_factory=list)
    usage: Any = None
    error: str = ""
    reference: str = ""
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class _Log:
    """What is gathered before it is told as records."""

    criteria: Criteria
    left_out: LeftOut
    spec: dict[str, Any] = field(default_factory=dict)
    samples: dict[str, _Sample] = field(default_factory=dict)


def read(path: Path, scales: Scales | None = None) -> Source:
    """The log as a source of records. Raises FileError where it cannot be read."""
    opened(path).close()
    left_out, digest = LeftOut(), [""]

    def records(faults: Faults) -> Iterator[Raw]:
        log = _Log(Criteria(scales or {}, faults), left_out)
        with opened(path) as file:
            lines = Lines(file, faults)
            for number, text in lines:
                whole, event = parse_json(text, number, None, faults, _REMEDIES)
                if whole:
                    _take(log, number, event, faults)
            digest.append(lines.sha256)
        if not log.spec:
            raise not_this(path, "log of OpenAI evals", 'there is no line {"spec": ...}')
        if not log.samples:
            faults.add(None, None, "there is no event of a sample in the log", "let the evaluation run to its end")
        yield from _records(log, path)

    return Source(path, FORMAT, records, lambda: digest[-1], left_out.sentences)


def _take(log: _Log, number: int, event: Any, faults: Faults) -> None:
    if isinstance(spec := dig(event, "spec"), dict):
        if log.spec:
            return faults.add(number, "spec", "there is a second spec", "keep one log in a file")
        log.spec = spec
        return None
    if dig(event, "final_report") is not None:
        return None  # means over samples, which are worked out here
    key, kind, data = text_at(event, "sample_id"), text_at(event, "type"), dig(event, "data")
    if not key or not kind:
        missing = "type" if key else "sample_id"
        return faults.add(number, missing, "it is missing", "keep the event as it was recorded")
    if not isinstance(data, dict):
        return faults.add(number, "data", "it is not an object", "keep the event as it was recorded")
    sample = log.samples.setdefault(key, _Sample(number))
    if kind == "sampling":
        _sampled(log, sample, data)
    elif kind == "match":
        _matched(log, sample, data)
    elif kind == "metrics":
        _measured(log, sample, data)
    elif kind == "error":
        sample.error = text_at(data, "message") or text_at(data, "type") or "The sample failed."
    else:
        log.left_out.count(f"an event of type {kind[:40]}")
    return None


def _sampled(log: _Log, sample: _Sample, data: dict[str, Any]) -> None:
    if sample.texts:
        return log.left_out.count(_LATER)
    sample.prompt, sample.usage = _prompt(dig(data, "prompt")), dig(data, "usage")
    sampled = dig(data, "sampled")
    texts = sampled if isinstance(sampled, list) else [sampled]
    sample.texts = [clean(text if isinstance(text, str) else json.dumps(text)) for text in texts if text is not None]
    return None


def _prompt(prompt: Any) -> str:
    """The prompt's text; of a chat, the last message where only the user speaks, else who says what."""
    if not isinstance(prompt, list):
        return clean(prompt) if isinstance(prompt, str) else ""
    said = [(text_at(message, "role"), text_at(message, "content")) for message in prompt]
    return said[0][1] if len(said) == 1 else "\n\n".join(f"{role}: {text}" for role, text in said)


def _matched(log: _Log, sample: _Sample, data: dict[str, Any]) -> None:
    if isinstance(correct := dig(data, "correct"), bool):
        picked = dig(data, "picked")
        _score(log, sample, "correct", float(correct), f"picked: {json.dumps(picked)}" if picked is not None else "")
    expected = dig(data, "expected")
    wanted = expected if isinstance(expected, list) else [expected]
    texts = [clean(text if isinstance(text, str) else json.dumps(text)) for text in wanted if text is not None]
    sample.reference = sample.reference or " or ".join(texts)
    if not sample.texts and isinstance(sampled := dig(data, "sampled"), str):
        sample.texts, sample.prompt = [clean(sampled)], sample.prompt or _prompt(dig(data, "prompt"))


def _measured(log: _Log, sample: _Sample, data: dict[str, Any]) -> None:
    for name, value in data.items():
        number = float(value) if isinstance(value, bool) else number_at([value], 0)
        if number is None:
            log.left_out.count(f"a metric that is no number ({clean(name)[:40]})")
        else:
            _score(log, sample, clean(name), number, "")


def _score(log: _Log, sample: _Sample, name: str, value: float, rationale: str) -> None:
    if name in sample.scores:
        return log.left_out.count(f"a second {name} of a sample")
    log.criteria.add(name, value)
    sample.scores[name] = {"value": value} | ({"rationale": rationale} if rationale else {})
    return None


# --- records ------------------------------------------------------------------------------------------------------


def _records(log: _Log, path: Path) -> Iterator[Raw]:
    spec, keys = log.spec, question_ids(log.samples)
    name = text_at(spec, "eval_name") or text_at(spec, "base_eval") or path.stem
    functions = [clean(each) for each in dig(spec, "completion_fns") or [] if isinstance(each, str)]
    model = functions[0] if functions else text_at(spec, "model_name") or "unknown model"
    if len(functions) > 1:
        log.left_out.say(f"Of the completion functions {', '.join(functions)} the first is taken for the target.")
    yield None, {"record": "header", "version": 1, "tool": "openai/evals"}
    yield None, {"record": "qa_set", "id": "set", "name": name}
    asked = {key: sample for key, sample in log.samples.items() if sample.texts or sample.error}
    log.left_out.count("a sample without any completion", len(log.samples) - len(asked))
    for key, sample in asked.items():
        text = sample.prompt.strip() and sample.prompt
        about = {"question": text or f"(prompt not recorded: {clean(key)})", "reference": sample.reference}
        yield sample.where, {"record": "question", "qa_set": "set", "id": keys[key], **about}
    criteria = list(dict.fromkeys(criterion for sample in asked.values() for criterion in sample.scores))
    ids = criterion_ids(criteria)
    if criteria:
        declared = log.criteria.declared(ids, criteria)
        yield None, {"record": "rubric", "id": "scores", "name": name[:60], "version": "1", "criteria": declared}
    yield None, _run(spec, name, model)
    for key, sample in asked.items():
        yield from _answers(sample, keys[key], log.left_out)
    judge = {"kind": "judge", "name": f"{name} (OpenAI evals)"[:200]}
    for key, sample in asked.items():
        if sample.scores and len(sample.texts) == 1:
            scores = {ids[criterion]: score for criterion, score in sample.scores.items()}
            place = {"run": "run", "question": keys[key], "rubric": "scores", "rater": judge}
            yield sample.where, {"record": "assessment", **place, "scores": scores}
        elif sample.scores and sample.texts:
            log.left_out.count("the scores of a sample with several completions: which they belong to is not recorded")


def _run(spec: dict[str, Any], name: str, model: str) -> dict[str, Any]:
    created = text_at(spec, "created_at").replace(" ", "T")
    known = {part: text_at(spec, part) for part in ("eval_name", "base_eval", "split")}
    return {
        "record": "run",
        "id": "run",
        "qa_set": "set",
        "target": model,
        "name": f"{name}, {model}",
        "group": text_at(spec, "run_id") or None,
        "model": model.rpartition("/")[2] or model,
        "family": model_family(model),
        "provenance": {"openai_evals": {part: text for part, text in known.items() if text}},
        "created_at": (created if "+" in created or created.endswith("Z") else f"{created}Z") if created else None,
    }


def _answers(sample: _Sample, key: str, left_out: LeftOut) -> Iterator[Raw]:
    place = {"record": "answer", "run": "run", "question": key}
    if not sample.texts:
        yield sample.where, {**place, "error_kind": "imported", "error": sample.error[:2000]}
    if sample.texts and sample.error:
        left_out.count("an error of a sample that has a completion")
    tokens = {
        "prompt_tokens": count_at(sample.usage, "prompt_tokens"),
        "completion_tokens": count_at(sample.usage, "completion_tokens"),
    }
    known = {name: n for name, n in tokens.items() if n is not None and len(sample.texts) == 1}
    for repeat, text in enumerate(sample.texts):
        yield sample.where, {**place, "repeat": repeat, "text": text, **known}
