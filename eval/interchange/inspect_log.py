"""Logs of Inspect (inspect_ai): a .eval file, which is a zip archive with a header and an entry for each sample.

One log becomes one run: samples are questions, epochs are repeats, each scorer is a judge with a rubric of its own.
What cannot be carried over is counted and said. The format is that of inspect_ai.log: EvalLog, EvalSample, Score.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from eval.faults import Faults
from eval.interchange.archive import Archive
from eval.interchange.foreign import Criteria, LeftOut, clean, count_at, dig, not_this, number_at, text_at
from eval.interchange.lines import file_hash
from eval.interchange.loading import Raw, Source
from eval.interchange.naming import criterion_ids, question_ids
from eval.interchange.scales import Scales
from eval.provenance import model_family

FORMAT = "inspect"
NEWEST = 2  # the version of log that was tried
_SAMPLE = re.compile(r"samples/[^/]+(\.json|/sample\.json)")  # in one piece, or the shell of a long one
_WORDS = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0, "yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_PARTS = {"messages and events of a sample (tool calls, turns)": ("messages",), "a sample's store": ("store",)}


@dataclass
class _Log:
    """What is kept of a log while it is read."""

    header: dict[str, Any]
    left_out: LeftOut
    criteria: Criteria
    questions: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the sample's id
    answers: list[Raw] = field(default_factory=list)
    verdicts: list[Raw] = field(default_factory=list)
    scorers: dict[str, list[str]] = field(default_factory=dict)  # the criteria of each


def read(path: Path, scales: Scales | None = None) -> Source:
    """The log as a source of records. Raises FileError for what is no such log, or goes beyond a limit."""
    left_out, digest = LeftOut(), file_hash(path)
    with Archive(path) as archive:
        header = _header(path, archive)

    def records(faults: Faults) -> Iterator[Raw]:
        log = _Log(header, left_out, Criteria(scales or {}, faults))
        with Archive(path) as archive:
            names = [name for name in archive.names if _SAMPLE.fullmatch(name)]
            for name in names:
                sample = _parsed(archive.read(name))
                if isinstance(sample, dict):
                    _take(log, name, sample, faults)
                else:
                    faults.add(name, None, "it is not a JSON object", "save the log again with Inspect")
        if not names:
            faults.add(None, None, "there is no sample in the log", "run the evaluation with log_samples=True")
        yield from _records(log, path)

    return Source(path, FORMAT, records, lambda: digest, left_out.sentences)


def _header(path: Path, archive: Archive) -> dict[str, Any]:
    """The log's header, or that of one that was never finished."""
    for name in ("header.json", "_journal/start.json", "start.json"):
        if name in archive.names:
            header = _parsed(archive.read(name))
            if isinstance(dig(header, "eval"), dict):
                return {"status": "started", **header}
            break
    raise not_this(path, "log of Inspect", "there is no header.json with the evaluation in it")


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)  # NaN stands for a score that was not given
    except (ValueError, RecursionError):
        return None


# --- a sample -----------------------------------------------------------------------------------------------------


def _take(log: _Log, name: str, sample: dict[str, Any], faults: Faults) -> None:
    its, epoch = sample.get("id"), count_at(sample, "epoch")
    if not isinstance(its, (str, int)) or isinstance(its, bool) or not epoch:
        return faults.add(name, "id", "the sample has no id or no epoch", "save the log again with Inspect")
    key = str(its)
    if dig(sample, "invalidation"):
        return log.left_out.count("a sample that was marked invalid")
    log.questions.setdefault(key, _question(sample, log.left_out))
    place = {"question": key, "repeat": epoch - 1}
    log.answers.append((name, {"record": "answer", **place, **_answer(sample, log)}))
    if not dig(sample, "error"):
        for scorer, score in (dig(sample, "scores") or {}).items():
            _verdict(log, name, place, str(scorer), score)
    for what, part in _PARTS.items():
        log.left_out.count(what, bool(dig(sample, *part)))
    return None


def _question(sample: dict[str, Any], left_out: LeftOut) -> dict[str, Any]:
    given = sample.get("input")
    text = _resolved(sample, given) if isinstance(given, str) else _conversation(sample, given, left_out)
    choices = [_resolved(sample, choice) for choice in dig(sample, "choices") or [] if isinstance(choice, str)]
    text += "".join(f"\n{chr(65 + i)}) {choice}" for i, choice in enumerate(choices))
    target = sample.get("target")
    targets = [target] if isinstance(target, str) else [each for each in target or [] if isinstance(each, str)]
    return {"question": text, "reference": " or ".join(clean(each) for each in targets)}


def _conversation(sample: dict[str, Any], messages: Any, left_out: LeftOut) -> str:
    """The text of an input of several messages; a single user's message stands alone."""
    said = []
    for message in messages if isinstance(messages, list) else []:
        said.append((text_at(message, "role"), _content(sample, dig(message, "content"), left_out)))
    if len(said) == 1:
        return said[0][1]
    return "\n\n".join(f"{role}: {text}" for role, text in said)


def _content(sample: dict[str, Any], content: Any, left_out: LeftOut) -> str:
    if isinstance(content, str):
        return _resolved(sample, content)
    texts = []
    for part in content if isinstance(content, list) else []:
        if dig(part, "type") == "text":
            texts.append(_resolved(sample, text_at(part, "text")))
        else:
            left_out.count(f"a part of a message that is no text ({text_at(part, 'type') or 'unknown'})")
    return "\n".join(texts)


def _resolved(sample: dict[str, Any], text: str) -> str:
    """The text itself where a log refers to it as an attachment."""
    if text.startswith("attachment://"):
        return text_at(sample, "attachments", text.removeprefix("attachment://")) or clean(text)
    return clean(text)


def _answer(sample: dict[str, Any], log: _Log) -> dict[str, Any]:
    if error := dig(sample, "error"):
        return {"error_kind": "imported", "error": text_at(error, "message")[:2000] or "The sample failed."}
    output = dig(sample, "output") or {}
    text = text_at(output, "completion") or _content(
        sample, dig(output, "choices", 0, "message", "content"), log.left_out
    )
    given: dict[str, Any] = {
        "text": _resolved(sample, text),
        "finish_reason": text_at(output, "choices", 0, "stop_reason"),
    }
    if not _is_one_call(sample):
        log.left_out.count("time and tokens of an answer that took several calls, or came from a cache")
        return {name: value for name, value in given.items() if name == "text" or value}
    seconds, usage = number_at(output, "time"), dig(output, "usage")
    cached = [count_at(usage, f"input_tokens_cache_{how}") or 0 for how in ("read", "write")]
    into = count_at(usage, "input_tokens")
    given |= {
        "total_ms": None if seconds is None else seconds * 1000,
        "prompt_tokens": None if into is None else into + sum(cached),  # without those from the cache, as logged
        "completion_tokens": count_at(usage, "output_tokens"),
        "cached_tokens": cached[0] if dig(usage, "input_tokens_cache_read") is not None else None,
        "reasoning_tokens": count_at(usage, "reasoning_tokens"),
    }
    return {name: value for name, value in given.items() if name == "text" or value not in (None, "")}


def _is_one_call(sample: dict[str, Any]) -> bool:
    """Whether the answer is one reply of a model that was asked: its time and tokens are the answer's."""
    said = sum(dig(message, "role") == "assistant" for message in dig(sample, "messages") or [])
    events = dig(sample, "events") or []
    return said == 1 and not any(dig(event, "event") == "model" and dig(event, "cache") == "read" for event in events)


# --- scores -------------------------------------------------------------------------------------------------------


def _verdict(log: _Log, name: str, place: dict[str, Any], scorer: str, score: Any) -> None:
    given = dig(score, "value")
    values = given if isinstance(given, dict) else {"": given}
    if isinstance(given, list):
        return log.left_out.count(f"a score of {scorer} that is a list")
    scores: dict[str, Any] = {}
    for part, value in values.items():
        criterion = f"{scorer} {part}".strip()
        known, points, flags = _points(value)
        if not known:
            log.left_out.count(f"a score of {criterion} that is a word")
            continue
        log.criteria.add(criterion, points)
        log.scorers.setdefault(scorer, [])
        if criterion not in log.scorers[scorer]:
            log.scorers[scorer].append(criterion)
        scores[criterion] = {"value": points, "flags": flags}
        if points is None:
            scores[criterion]["null_reason"] = text_at(score, "reason") or "the scorer gave no score"
        if explanation := text_at(score, "explanation"):
            scores[criterion]["rationale"] = explanation
    log.left_out.count("earlier values of a score that was edited", len(dig(score, "history") or []))
    if scores:
        verdict = {"record": "assessment", **place, "scorer": scorer, "scores": scores}
        log.verdicts.append((name, verdict))
    return None


def _points(value: Any) -> tuple[bool, float | None, list[str]]:
    """Whether it is a score, its points (None: not given), and the word it was given as."""
    if isinstance(value, bool):
        return True, float(value), []
    if isinstance(value, (int, float)) or value is None:
        points = number_at([value], 0)
        return True, points, []
    if isinstance(value, str):
        word = value if value in _WORDS else value.lower()
        if word in _WORDS:
            return True, _WORDS[word], [value]
        if re.fullmatch(r"[+-]?\d{1,9}(\.\d{1,9})?", value.strip()):
            return True, float(value), [value]
    return False, None, []


# --- records ------------------------------------------------------------------------------------------------------


def _records(log: _Log, path: Path) -> Iterator[Raw]:
    its, header = log.header["eval"], log.header
    if (count_at(header, "version") or 0) > NEWEST:
        log.left_out.say(
            f"The log is of version {header['version']}; what is newer than version {NEWEST} is not known."
        )
    tool = f"inspect_ai {text_at(its, 'packages', 'inspect_ai')}".strip()
    yield None, {"record": "header", "version": 1, "tool": tool}
    task = text_at(its, "task") or path.stem
    yield None, {"record": "qa_set", "id": "set", "name": text_at(its, "dataset", "name") or task}
    keys = question_ids(log.questions)
    for key, question in log.questions.items():
        yield f"sample {key}", {"record": "question", "qa_set": "set", "id": keys[key], **question}
    ids = criterion_ids(chain.from_iterable(log.scorers.values()))
    for scorer, criteria in log.scorers.items():
        declared = log.criteria.declared(ids, criteria)
        named = {"name": f"Inspect {scorer}"[:60], "version": "1", "criteria": declared}
        yield None, {"record": "rubric", "id": scorer, **named}
    yield None, _run(log, task)
    for name, answer in log.answers:
        yield name, {**answer, "run": "run", "question": keys[answer["question"]]}
    models = {text_at(each, "name"): text_at(each, "options", "model") for each in dig(its, "scorers") or []}
    for name, verdict in log.verdicts:
        scorer = verdict.pop("scorer")
        scores = {ids[criterion]: score for criterion, score in verdict["scores"].items()}
        rater: dict[str, Any] = {"kind": "judge", "name": f"{scorer} (Inspect)"[:200]}
        rater |= {"model": models[scorer]} if models.get(scorer) else {}
        about = {"run": "run", "question": keys[verdict["question"]], "rubric": scorer, "rater": rater}
        yield name, {**verdict, **about, "scores": scores}


def _run(log: _Log, task: str) -> dict[str, Any]:
    its, status = log.header["eval"], text_at(log.header, "status")
    model = text_at(its, "model") or "unknown model"
    ended = {"success": "finished", "cancelled": "stopped"}.get(status, "failed")
    said = text_at(log.header, "error", "message")[:2000] or (
        "the log was never finished" if status == "started" else ""
    )
    settings = (dig(log.header, "plan", "config"), dig(its, "config"), dig(its, "model_generate_config"))
    connections = next((n for each in settings if (n := count_at(each, "max_connections"))), None)
    if connections is None and any("total_ms" in answer for _, answer in log.answers):
        log.left_out.say("The log does not say how many requests ran at a time: concurrency 1 is assumed.")
    known = {"task": task, "task_version": dig(its, "task_version"), "solver": text_at(its, "solver")}
    known |= {"dataset": text_at(its, "dataset", "name"), "commit": text_at(its, "revision", "commit")}
    return {
        "record": "run",
        "id": "run",
        "qa_set": "set",
        "target": model,
        "name": f"{task}, {model}",
        "group": text_at(its, "run_id") or text_at(its, "eval_id") or None,
        "model": model.rpartition("/")[2],
        "endpoint": text_at(its, "model_base_url"),
        "family": model_family(model),
        "concurrency": connections or 1,
        "status": ended,
        "error": None if ended == "finished" else said,
        "tags": [clean(tag) for tag in dig(its, "tags") or [] if isinstance(tag, str)],
        "provenance": {"inspect": {name: value for name, value in known.items() if value}},
        "created_at": text_at(its, "created") or None,
        "started_at": text_at(log.header, "stats", "started_at") or None,
        "ended_at": text_at(log.header, "stats", "completed_at") or None,
    }
