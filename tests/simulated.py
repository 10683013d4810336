"""A simulator that answers three questions at once and never wrong, what it is asked, and how it judges an answer."""

import asyncio
import json
import time
from typing import Any, NamedTuple

import aiohttp

from eval import rubric
from eval.judge import build_messages as judge_messages
from eval.judge import response_format
from eval.qa_set import Document, QASet, Question
from eval.simulator import judging
from eval.simulator.profiles import Profile
from eval.simulator.server import Settings, Simulator
from eval.targets import build_messages

RIGHT = Profile("right", ttft_ms=0, itl_ms=0, judge_noise=0)  # at once, and never wrong
BRIDGE = Question(
    id="bridge",
    question="How long is the bridge, and when was it opened?",
    reference="The bridge is 480 metres long. It was opened in 1931. The toll was abolished 20 years later.",
    key_points=("The bridge is 480 metres long.", "It was opened in 1931.", "The toll was abolished 20 years later."),
    documents=(Document(title="Guide", text="The bridge of 480 metres was opened in 1931 by the mayor."),),
)
PRICE = Question(
    id="price",
    question="What does the ferry cost?",
    reference="The timetable does not say what the ferry costs. It gives the 12 departures of each day.",
    key_points=("The timetable does not say what the ferry costs.",),
    answerable=False,
)
TABLE = Question(
    id="table",
    question="Write the totals as JSON.",
    reference='{"ada": 160, "bo": 105, "cy": 90}',
    category="format",
)
QUESTIONS = QASet(name="test", version="1", questions=(BRIDGE, PRICE, TABLE))


def judged(answer: str, question: Question = BRIDGE, noise: float = 0.0) -> dict[str, Any]:
    documents = "\n".join(document.text for document in question.documents)
    prompt = judging.JudgePrompt(question.question, documents, question.reference, question.key_points, answer)
    return judging.judge(prompt, judging.CRITERIA, noise, seed=0)


def scores(answer: str, question: Question = BRIDGE) -> dict[str, int]:
    return {name: verdict["score"] for name, verdict in judged(answer, question).items()}


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    arrivals_ns: list[int]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = self.body.decode().split("\n\n")
        assert lines[-2:] == ["data: [DONE]", ""]
        return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]

    @property
    def text(self) -> str:
        return "".join(e["choices"][0]["delta"].get("content", "") for e in self.events if e["choices"])

    @property
    def finish_reason(self) -> str:
        return next(e["choices"][0]["finish_reason"] for e in reversed(self.events) if e["choices"])


def ask(url: str, body: Any = None, path: str = "/chat/completions", **headers: str) -> Reply:
    """One request; a GET if there is no body."""

    async def main() -> Reply:
        async with aiohttp.ClientSession(headers=headers) as session:
            data = body if isinstance(body, bytes | None) else json.dumps(body)
            async with session.request("POST" if data else "GET", url + path, data=data) as response:
                got, arrivals = b"", []
                while piece := await response.content.readany():
                    arrivals.append(time.perf_counter_ns())
                    got += piece
                return Reply(response.status, {k.lower(): v for k, v in response.headers.items()}, got, arrivals)

    return asyncio.run(main())


def chat_body(question: Question = BRIDGE, model: str = "right", stream: bool = True, **more: Any) -> dict[str, Any]:
    options = {"stream_options": {"include_usage": True}} if stream else {}
    return {"model": model, "messages": build_messages(question), "stream": stream, **options, **more}


def judge_body(answer: str, criteria: tuple[str, ...] = judging.CRITERIA, marker: str = "0" * 16) -> dict[str, Any]:
    messages = judge_messages(BRIDGE, answer, rubric.built_in(), criteria, marker)
    return {"model": "right", "messages": messages, "response_format": response_format(criteria, None)}


def simulator(*profiles: Profile, **more: Any) -> Simulator:
    return Simulator(Settings(profiles=profiles or (RIGHT,), qa_set=QUESTIONS, **more))
