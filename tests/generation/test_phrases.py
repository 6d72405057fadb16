"""What errors say, and that none of them says it in English only."""

import ast
import pickle
from pathlib import Path

import generation
from generation.errors import CheckpointUnavailable, InvalidRequest
from generation.phrases import ENGLISH, Phrase

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
