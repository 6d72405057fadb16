"""What errors say, and that none of them says it in English only."""

import ast
import json
import pickle
from pathlib import Path

import generation
from generation import decoding
from generation.errors import CheckpointUnavailable, InvalidRequest
from generation.phrases import ENGLISH, Phrase, reason_of

ROOM = Path(generation.__file__).parent
SPEAKING = {InvalidRequest.__name__, CheckpointUnavailable.__name__}


def test_a_phrase_crosses_a_pipe():
    error = InvalidRequest("sampler", Phrase("bound-one-of", names=("ddim", "euler")))
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == "sampler must be one of ddim or euler"
    assert (again.bound.code, again.bound.values) == (
        "bound-one-of",
        {"names": ("ddim", "euler")},
    )


def test_every_error_has_its_code():
    said, plain = set(), []
    for file in ROOM.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(call, ast.Call):
                continue
            name = getattr(call.func, "id", "")
            if name == "Phrase":
                said |= {one.value for one in call.args if isinstance(one, ast.Constant)}
            elif name in SPEAKING and isinstance(call.args[1], ast.Constant | ast.JoinedStr):
                plain.append(f"{file.name}:{call.lineno}")
    assert plain == []
    assert said == set(ENGLISH)


def test_an_error_gives_the_phrase_it_was_raised_with():
    phrase = Phrase("checkpoint-preview", file="preview.json", channels=4)
    assert reason_of(ValueError(phrase)) is phrase
    assert reason_of(ValueError("first\nsecond")) == "first"
    assert reason_of(KeyError()) == "KeyError"


def test_a_refusal_crosses_the_decoders_pipe():
    head = json.loads(decoding._answer({"work": "check", "numbers": []}, b"no picture"))
    refused = decoding.refusal(head)
    assert isinstance(refused, InvalidRequest)
    assert (refused.field, refused.bound.code) == ("image", "bound-image-file")
    assert decoding.refusal({"numbers": [], "size": 0}) is None
