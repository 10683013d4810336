"""Claims about reading a reply: what its bytes say and when, however they were cut, garbled or broken off."""

import json
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers import DONE, completion, delta, event, streamed

from eval.stream import (
    MIN_ARRIVALS,
    NotJSONError,
    Reply,
    Usage,
    clean,
    complete_usage,
    error_message,
    estimate_tokens,
    pace,
    parse_stream,
    parse_whole,
    streamed_tokens,
)

MS = 1_000_000
REASONING = {"completion_tokens_details": {"reasoning_tokens": 2}, "prompt_tokens_details": {"cached_tokens": 5}}
COUNTS = {"prompt_tokens": 9, "completion_tokens": 12, **REASONING}


def stamped(*pieces: Any) -> list[tuple[int, bytes]]:
    """Pieces as chunks that arrive a millisecond apart, the first at 1 ms."""
    return [(n * MS, piece) for n, piece in enumerate(pieces, 1)]


def text_of(*pieces: Any) -> str:
    return parse_stream(stamped(*pieces)).text


def one_chunk(*pieces: Any) -> list[tuple[int, bytes]]:
    return [(MS, b"".join(pieces))]


def said(content: str) -> bytes:
    """A chunk whose content is written in JSON by hand."""
    return f'data: {{"choices": [{{"delta": {{"content": "{content}"}}}}]}}\n\n'.encode("utf-8", "surrogatepass")


# --- text, however the bytes come -----------------------------------------------------------------------------------


def test_the_text_is_the_joined_pieces_with_finish_reason_and_model_as_returned() -> None:
    reply = parse_stream(stamped(*streamed("Oslo", " it", " is."), b""))
    assert (reply.text, reply.finish_reason, reply.model, reply.complete) == ("Oslo it is.", "stop", "m", True)


def test_an_event_split_over_several_chunks_counts_when_its_end_arrives() -> None:
    whole = delta(content="Oslo")
    reply = parse_stream([(1 * MS, whole[:20]), (2 * MS, whole[20:-1]), (7 * MS, whole[-1:]), (8 * MS, DONE)])
    assert (reply.text, reply.content_ns) == ("Oslo", [7 * MS])


def test_several_events_in_one_chunk_share_its_stamp() -> None:
    reply = parse_stream([(3 * MS, delta(content="a") + delta(content="b")), (4 * MS, delta("stop") + DONE)])
    assert (reply.text, reply.content_ns) == ("ab", [3 * MS, 3 * MS])


def test_carriage_returns_comments_names_and_a_byte_order_mark_are_understood() -> None:
    piece = delta(content="x").replace(b"\n", b"\r\n")
    noise = b": keep-alive\r\n\r\nevent: message\r\nid: 7\r\nretry: 100\r\n"
    assert text_of(b"\xef\xbb\xbf", delta(content="a"), noise[:3], noise[3:] + piece[:-1], piece[-1:], DONE) == "ax"


def test_the_lines_of_one_event_are_joined() -> None:
    assert text_of(b'data: {"choices": [{"delta":\ndata: {"content": "two lines"}}]}\n\n', DONE) == "two lines"


def test_data_needs_no_space_after_the_colon() -> None:
    assert text_of(delta(content="x").replace(b"data: ", b"data:"), DONE) == "x"


def test_a_character_split_over_chunks_is_whole() -> None:
    raw = 'data: {"choices": [{"delta": {"content": "日本 🎉"}}]}\n\n'.encode()
    assert text_of(*(raw[i : i + 1] for i in range(len(raw))), DONE) == "日本 🎉"


def test_the_halves_of_a_character_split_over_events_are_joined() -> None:
    assert text_of(said(r"\ud83c"), said(r"\udf89!"), DONE) == "🎉!"


@pytest.mark.parametrize("written", [r"a\ud83cb", r"a\udf89b", r"a\u0000b"])
def test_half_a_character_and_nul_become_what_every_database_holds(written: str) -> None:
    text = text_of(said(written), DONE)
    assert text == "a\ufffdb"
    text.encode("utf-8")


def test_raw_control_characters_inside_strings_are_kept() -> None:
    assert text_of(said("a\tb\x01c"), DONE) == "a\tb\x01c"


def test_a_name_that_no_database_could_hold_is_made_storable() -> None:
    written = rb'{"model": "m\u0000\ud800", "choices": [{"message": {"content": "x"}, "finish_reason": "stop\u0000"}]}'
    reply = parse_whole([(MS, written)])
    assert (reply.model, reply.finish_reason) == ("m\ufffd\ufffd", "stop\ufffd")


def test_an_event_of_many_megabytes_in_small_chunks_takes_no_time_to_join() -> None:
    long = "x" * 8_000_000
    raw = delta(content=long)
    chunks = [(MS, raw[i : i + 512]) for i in range(0, len(raw), 512)]  # joining each to the rest would copy 60 GB
    assert parse_stream([*chunks, (MS, DONE)]).text == long


@settings(deadline=None)
@given(st.lists(st.text(), max_size=6), st.lists(st.integers(1, 60), max_size=200), st.booleans(), st.booleans())
def test_however_the_bytes_are_cut_text_and_usage_are_the_same(
    texts: list[str], sizes: list[int], ascii_only: bool, returns: bool
) -> None:
    made = [{"choices": [{"delta": {"content": text}}]} for text in texts] + [{"choices": [], "usage": COUNTS}]
    raw = b"".join(f"data: {json.dumps(value, ensure_ascii=ascii_only)}\n\n".encode() for value in made) + DONE
    raw = raw.replace(b"\n", b"\r\n") if returns else raw
    ends = [end for end in accumulate(sizes) if end < len(raw)]
    chunks = [raw[start:end] for start, end in zip([0, *ends], [*ends, len(raw)], strict=True)]
    reply = parse_stream(stamped(*chunks))
    assert reply.text == clean("".join(texts))
    assert reply.usage == Usage(9, 12, 5, 2)
    assert len(reply.content_ns) == sum(bool(text) for text in texts)
    assert reply.content_ns == sorted(reply.content_ns)


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6), st.booleans())
def test_any_bytes_give_a_reply_or_say_that_they_are_none(chunks: list[bytes], marked: bool) -> None:
    pieces = [b"data: " + chunk + b"\n\n" if marked else chunk for chunk in chunks]
    for parse in (parse_stream, parse_whole):
        try:
            reply = parse(stamped(*pieces))
        except NotJSONError:
            continue
        (reply.text + (reply.error or "")).encode("utf-8")


# --- what is a token, and when --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "empty",
    [
        {"role": "assistant"},
        {"role": "assistant", "content": ""},
        {"content": None},
        {"content": None, "refusal": ""},
        {"role": "assistant", "content": "", "reasoning_content": "", "refusal": None},
        {"content": []},
    ],
)
def test_a_chunk_without_content_is_no_token(empty: dict[str, Any]) -> None:
    reply = parse_stream(stamped(delta(**empty), delta(content="x"), delta("stop"), DONE))
    assert reply.content_ns == [2 * MS]
    assert pace(reply, 0, 1).ttft_ms == 2


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_the_first_answer_token_comes_after_the_reasoning(name: str) -> None:
    thoughts = [delta(**{name: "hm"}), delta(**{name: " yes"})]
    reply = parse_stream(stamped(delta(role="assistant"), *thoughts, delta(content="Oslo"), delta("stop"), DONE))
    its = pace(reply, 0, 3)
    assert (reply.reasoning, reply.text) == ("hm yes", "Oslo")
    assert (its.ttft_ms, its.ttfat_ms) == (2, 4)


def test_reasoning_alone_has_no_first_answer_token() -> None:
    reply = parse_stream(stamped(delta(reasoning="hm"), delta("length"), DONE))
    assert (pace(reply, 0, 1).ttft_ms, pace(reply, 0, 1).ttfat_ms) == (1, None)


def test_content_in_parts_is_read_and_its_thoughts_are_reasoning() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    reply = parse_stream(
        stamped(delta(content=[thinking]), delta(content=[{"type": "text", "text": "Oslo"}]), delta("stop"))
    )
    assert (reply.reasoning, reply.text) == ("hm", "Oslo")
    assert (reply.reasoning_ns, reply.content_ns) == ([1 * MS], [2 * MS])


def test_a_refusal_is_the_answer_also_beside_empty_content() -> None:
    assert text_of(delta(refusal="I will"), delta(content="", refusal=" not."), DONE) == "I will not."


def steady(n: int, gap_ms: float = 10.0, first_ms: float = 50.0) -> Reply:
    return Reply(text="x" * n, content_ns=[int((first_ms + i * gap_ms) * MS) for i in range(n)])


def test_times_count_from_the_moment_the_request_left() -> None:
    its = pace(steady(11), 20 * MS, 11)
    assert (its.ttft_ms, its.generation_ms) == (30, 100)
    assert its.chunk_ms == [30.0 + 10 * i for i in range(11)]


def test_tokens_per_second_leave_the_first_piece_out() -> None:
    assert pace(steady(11), 0, 11).tokens_per_s == pytest.approx(100)
    assert pace(steady(11), 0, 22).tokens_per_s == pytest.approx(200)  # two tokens a piece


def test_inter_token_times_are_the_median_and_the_95th_percentile_of_the_gaps() -> None:
    reply = Reply(content_ns=[ms * MS for ms in (0, 10, 20, 30, 40, 140)])
    its = pace(reply, 0, 6)
    assert (its.itl_p50_ms, its.itl_p95_ms) == (10, pytest.approx(82))


def test_a_bunched_stream_has_no_speed_and_no_times_between_tokens() -> None:
    reply = Reply(content_ns=[5 * MS] * 40 + [6 * MS] * 40)
    its = pace(reply, 0, 80)
    assert (its.itl_p50_ms, its.itl_p95_ms, its.tokens_per_s) == (None, None, None)
    assert (its.ttft_ms, its.generation_ms) == (5, 1)


@pytest.mark.parametrize(("arrivals", "known"), [(MIN_ARRIVALS - 1, False), (MIN_ARRIVALS, True)])
def test_the_speed_is_known_from_enough_distinct_arrivals(arrivals: int, known: bool) -> None:
    its = pace(steady(arrivals), 0, 40)
    assert (its.tokens_per_s is not None, its.itl_p50_ms is not None) == (known, known)


def test_without_pieces_there_are_no_times() -> None:
    its = pace(Reply(), 0, 5)
    assert (its.ttft_ms, its.ttfat_ms, its.generation_ms, its.tokens_per_s, its.chunk_ms) == (None,) * 4 + ([],)


def test_thoughts_that_are_counted_but_not_sent_do_not_speed_the_answer_up() -> None:
    usage = Usage(10, 1000, reasoning_tokens=900)
    assert streamed_tokens(usage, steady(100)) == 100
    assert streamed_tokens(usage, Reply(reasoning_ns=[1], content_ns=[2])) == 1000
    assert streamed_tokens(Usage(10, None), steady(3)) is None


# --- usage ----------------------------------------------------------------------------------------------------------


def test_usage_is_the_servers_own() -> None:
    reply = parse_stream(stamped(*(p for p in streamed("a", "b", usage=COUNTS) if isinstance(p, bytes))))
    assert complete_usage(reply.usage, "prompt", reply) == Usage(9, 12, 5, 2, estimated=False)


def test_the_last_usage_of_a_running_count_stands() -> None:
    growing = [
        event({"choices": [], "usage": {"prompt_tokens": 4, "completion_tokens": n}}) + delta(content="x")
        for n in (1, 2)
    ]
    assert parse_stream(stamped(*growing, DONE)).usage.completion_tokens == 2


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": "9", "completion_tokens": True},
        {"prompt_tokens": -1, "completion_tokens": 2**31},
        [9, 12],
    ],
)
def test_without_usage_the_counts_are_estimates_and_say_so(usage: Any) -> None:
    reply = parse_stream(stamped(*(p for p in streamed("a", "b", "c", usage=usage) if isinstance(p, bytes))))
    counted = complete_usage(reply.usage, "x" * 40, reply)
    assert (counted.prompt_tokens, counted.completion_tokens, counted.estimated) == (10, 3, True)


def test_one_missing_count_is_estimated_and_the_other_kept() -> None:
    counted = complete_usage(Usage(prompt_tokens=9), "p", Reply(text="x" * 80))
    assert (counted.prompt_tokens, counted.completion_tokens, counted.estimated) == (9, 20, True)


def test_an_empty_answer_may_count_no_tokens() -> None:
    assert complete_usage(Usage(9, 0), "p", Reply()) == Usage(9, 0)


def test_estimates_go_by_length() -> None:
    assert [estimate_tokens(text) for text in ("", "a", "x" * 400)] == [0, 1, 100]


# --- the end, and what is none --------------------------------------------------------------------------------------


def test_done_may_be_missing_and_so_may_the_finish_reason() -> None:
    assert parse_stream(stamped(delta(content="x"), delta("stop"))).complete
    assert parse_stream(stamped(delta(content="x"), DONE)).complete


def test_the_last_blank_line_may_be_missing() -> None:
    assert parse_stream(stamped(delta(content="x"), DONE.strip())).complete
    assert parse_stream(stamped(delta(content="x"), delta("stop").strip())).complete


@pytest.mark.parametrize("end", [b"", b'data: {"choices": [{"delta": {"cont', b"data: ", b"dat", b": ping\n\n"])
def test_a_stream_that_breaks_off_is_not_complete(end: bytes) -> None:
    reply = parse_stream(stamped(delta(content="Oslo is"), end))
    assert (reply.complete, reply.text, reply.error) == (False, "Oslo is", None)


def test_a_stream_that_breaks_off_amid_its_first_event_was_one() -> None:
    assert parse_stream(stamped(b'data: {"choices": [{"delta": {"cont')) == Reply()


def test_what_follows_done_is_not_read() -> None:
    assert text_of(delta(content="x"), DONE, delta(content="y")) == "x"


@pytest.mark.parametrize(
    "sent",
    [
        event({"error": {"message": "out of memory", "code": 500}}),
        event({"error": "out of memory"}),
        event({"object": "error", "message": "out of memory", "code": 500}),  # vLLM until 0.9
        b'error: {"code": 500, "message": "out of memory"}\n\n',  # llama.cpp
        b'event: error\ndata: {"detail": "out of memory"}\n\n',
        b"event: error\ndata: out of memory\n\n",
    ],
)
def test_an_error_event_is_an_error_also_before_done(sent: bytes) -> None:
    reply = parse_stream(stamped(delta(content="Oslo"), sent, delta("stop"), DONE))
    assert reply.error == "out of memory"


def test_an_event_that_is_no_json_amid_a_stream_is_an_error() -> None:
    reply = parse_stream(stamped(delta(content="Oslo"), event("<oops>"), delta("stop"), DONE))
    assert reply.error is not None
    assert "<oops>" in reply.error


def test_null_for_the_error_is_none() -> None:
    assert parse_stream(stamped(event({"error": None, **completion("")}), DONE)).error is None


@pytest.mark.parametrize("body", [b"<html>no</html>", b"event: ping\n\n", b"", b"data: <html>\n\n", b'data: ["a"]\n\n'])
def test_a_stream_without_json_says_what_came_instead(body: bytes) -> None:
    with pytest.raises(NotJSONError):
        parse_stream([(MS, body)])


# --- replies in one piece -------------------------------------------------------------------------------------------


def test_a_whole_reply_has_text_and_usage_and_no_first_token() -> None:
    raw = json.dumps(completion("Oslo.", usage=COUNTS)).encode()
    reply = parse_whole(stamped(raw[:30], raw[30:]))
    assert (reply.text, reply.finish_reason, reply.complete) == ("Oslo.", "stop", True)
    assert reply.usage == Usage(9, 12, 5, 2)
    assert pace(reply, 0, 12).ttft_ms is None


def reply_at(*arrivals: int, reasoning: tuple[int, ...] = (), text: str = "x" * 400) -> Reply:
    stamps, thoughts = [ms * MS for ms in arrivals], [ms * MS for ms in reasoning]
    return Reply(text=text, reasoning="hm" * len(thoughts), content_ns=stamps, reasoning_ns=thoughts)


@pytest.mark.parametrize("arrivals", [(70,), (70, 70, 70)], ids=["one piece", "held back and sent together"])
def test_a_streamed_reply_of_several_tokens_at_one_moment_has_no_first_token_time(arrivals: tuple[int, ...]) -> None:
    its = pace(reply_at(*arrivals), 0, 9)
    assert (its.ttft_ms, its.ttfat_ms, its.generation_ms, its.tokens_per_s) == (None, None, None, None)
    assert its.chunk_ms == [70.0] * len(arrivals)  # when it came is kept


@pytest.mark.parametrize("tokens", range(9))
def test_a_short_reply_at_one_moment_has_a_first_token_time(tokens: int) -> None:
    its = pace(reply_at(70), 0, tokens)
    assert (its.ttft_ms, its.ttfat_ms) == (70, 70)


def test_a_second_moment_is_enough_to_tell_the_first() -> None:
    assert pace(reply_at(70, 71), 0, 500).ttft_ms == 70


def test_an_answer_in_one_piece_after_streamed_thoughts_has_no_first_answer_token_time() -> None:
    its = pace(reply_at(90, reasoning=(10, 20)), 0, 120)
    assert (its.ttft_ms, its.ttfat_ms) == (10, None)
    assert pace(reply_at(90, reasoning=(10, 20), text="Oslo."), 0, 120).ttfat_ms == 90


def test_a_whole_reply_may_hold_control_characters_and_a_byte_order_mark() -> None:
    raw = b'\xef\xbb\xbf{"choices": [{"message": {"content": "a\tb\nc"}}]}'
    assert parse_whole(one_chunk(raw)).text == "a\tb\nc"


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b"null", b'{"choices": []}', b'{"choices": [{"text": "old"}]}', b"{}", b"\xff", b"[" * 5000],
)
def test_what_is_no_completion_is_no_empty_answer(body: bytes) -> None:
    with pytest.raises(NotJSONError):
        parse_whole(one_chunk(body))


def test_an_error_with_status_200_is_an_error() -> None:
    assert parse_whole(one_chunk(b'{"error": {"message": "no credits"}}')).error == "no credits"


# --- a server's own words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"error": {"message": "full"}}, "full"),
        ({"error": "full"}, "full"),
        ({"detail": "full"}, "full"),
        ({"message": "full", "code": 1}, "full"),
        ({"error": None, "message": "full"}, "full"),
        ({"detail": [{"loc": ["body", "seed"], "msg": "no"}]}, '[{"loc": ["body", "seed"], "msg": "no"}]'),
        ("full\n  of   lines", "full of lines"),
        ("<html><head><title>502 Bad\nGateway</title></head>...", "a web page (502 Bad Gateway)"),
        ("<!doctype html><p>hello", "a web page"),
        (None, "null"),
        ({"error": {"message": "a\ud800b\0c"}}, "a\ufffdb\ufffdc"),
    ],
)
def test_the_sentence_is_found_in_every_shape_of_error(body: Any, sentence: str) -> None:
    assert error_message(body) == sentence


def test_a_long_error_is_shortened() -> None:
    assert len(error_message({"error": {"message": "word " * 100_000}})) <= 500
