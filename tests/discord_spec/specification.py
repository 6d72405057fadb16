"""Discord's own specification of its HTTP API, as a judge of requests and answers.

`NOTICE.md` says where it comes from. It speaks of one value at a time; what holds between values
is in `limits.py`.
"""

import json
import lzma
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

FILE = Path(__file__).with_name("openapi.json.xz")
Json = dict[str, Any]

_ID = re.compile(r'"\d{17,19}"')  # below 2^64 whatever it is

_REQUESTS = "discord:requests"
_ANSWERS = "discord:answers"


def _load() -> Json:
    """Read the specification and change what Discord does otherwise than it says."""
    document: Json = json.loads(lzma.decompress(FILE.read_bytes()))
    schemas = document["components"]["schemas"]
    # A media channel is documented ("Channel Types") and met, but missing here.
    media = {"title": "GUILD_MEDIA", "description": "A forum for media", "const": 16}
    schemas["ChannelTypes"]["oneOf"].append(media)
    schemas["GuildChannelResponse"]["properties"]["type"]["enum"].append(16)
    # A mistake in a form has a name, such as BASE_TYPE_REQUIRED ("Error Messages"), and no number.
    named = {"type": "object", "required": ["code", "message"]}
    named["properties"] = {"code": {"type": "string"}, "message": {"type": "string"}}
    schemas["InnerErrors"]["properties"]["_errors"]["items"] = named
    return document


def _objects(value: Any) -> Iterator[Json]:
    """Yield whatever describes an object, wherever it stands."""
    if isinstance(value, dict):
        if isinstance(value.get("properties"), dict):
            yield value
        value = list(value.values())
    for inner in value if isinstance(value, list) else ():
        yield from _objects(inner)


def _as_sent_by_bots(document: Json) -> Json:
    """Let ids be numbers as well, and permissions strings, as the API reference has them."""
    changed: Json = json.loads(json.dumps(document))
    schemas = changed["components"]["schemas"]
    number = {"type": "integer", "minimum": 0, "maximum": (1 << 64) - 1}
    schemas["SnowflakeType"] = {"anyOf": [schemas["SnowflakeType"], number]}
    for schema in _objects(changed):
        for name in ("default_member_permissions", "allow", "deny", "permissions"):
            permissions = schema.get("properties", {}).get(name, {})
            if permissions.get("type") == ["integer", "null"]:
                permissions |= {"type": ["integer", "null", "string"], "pattern": "^[0-9]+$"}
    return changed


_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("int32")
def _is_int32(value: object) -> bool:
    return not isinstance(value, int) or -(1 << 31) <= value < 1 << 31


@_FORMATS.checks("int64")
def _is_int64(value: object) -> bool:
    return not isinstance(value, int) or -(1 << 63) <= value < 1 << 63


@_FORMATS.checks("snowflake")
def _is_snowflake(value: object) -> bool:
    return not isinstance(value, str) or not value.isdecimal() or int(value) < 1 << 64


@_FORMATS.checks("uri")
def _is_uri(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and not re.search(r"\s", value)


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _any_of(
    validator: Draft202012Validator, branches: list[Json], instance: object, schema: Json
) -> Iterator[ValidationError]:
    """Judge by the branch of the instance's own `type`, so that a mistake is named where it lies.

    That just one fits is asked of nothing: what Discord calls "one of" overlaps at times.
    """
    meant = [branch for branch in branches if _is_meant(validator, branch, instance)]
    if len(meant) == 1:
        yield from validator.descend(instance, meant[0])
    else:
        by_the_book = Draft202012Validator.VALIDATORS["anyOf"]
        yield from by_the_book(validator, meant or branches, instance, schema)


def _is_meant(validator: Draft202012Validator, branch: Json, instance: object) -> bool:
    if "$ref" in branch:
        branch = validator._resolver.lookup(branch["$ref"]).contents
    if branch.get("type") == "null":
        return instance is None
    if not isinstance(instance, dict):
        return instance is not None
    kinds = branch.get("properties", {}).get("type", {}).get("enum")
    return kinds is None or instance.get("type") in kinds


# A Boolean is no number and 1.0 no integer: Discord takes neither for the other.
_TYPES = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
)
_Validator = extend(Draft202012Validator, {"oneOf": _any_of, "anyOf": _any_of}, type_checker=_TYPES)


@cache
def _documents() -> dict[str, Json]:
    answers = _load()
    return {_ANSWERS: answers, _REQUESTS: _as_sent_by_bots(answers)}


@cache
def _registry() -> Registry[Any]:
    return Registry().with_resources(
        (name, DRAFT202012.create_resource(document)) for name, document in _documents().items()
    )


@cache
def _judge(reference: str) -> Draft202012Validator:
    # A $ref within the document is resolved by the document's name.
    return _Validator({"$ref": reference}, registry=_registry(), format_checker=_FORMATS)


def _shortened(message: str) -> str:
    return message if len(message) < 300 else f"{message[:100]} … {message[-150:]}"


def _mistakes(reference: str, instance: object) -> list[str]:
    # Any number of so many digits fits or does not fit as any other: with one for all of them,
    # what is said over and over, as the commands at every start, is judged once.
    text = _ID.sub(f'"{10**17}"', json.dumps(instance, default=repr))
    return list(_mistakes_in(reference, text))


@lru_cache(maxsize=4096)
def _mistakes_in(reference: str, text: str) -> tuple[str, ...]:
    found = []
    for error in _judge(reference).iter_errors(json.loads(text)):
        where = "".join(f".{part}" for part in error.absolute_path) or "the body"
        found.append(f"{where.removeprefix('.')}: {_shortened(error.message)}")
    return tuple(found)


@cache
def _operations() -> list[tuple[re.Pattern[str], int, str, Json]]:
    """List the paths: the pattern, how much of it is literal, the path as written, its methods."""
    found = []
    for path, operations in _documents()[_ANSWERS]["paths"].items():
        pattern = re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path)))
        literal = sum(not part.startswith("{") for part in path.split("/"))
        found.append((pattern, literal, path, operations))
    return found


@cache
def _operation(method: str, path: str) -> tuple[str, Json] | None:
    """Find where an operation is described, and its description."""
    fitting = [entry for entry in _operations() if entry[0].fullmatch(path)]
    fitting = [entry for entry in fitting if method.lower() in entry[3]]
    if not fitting:
        return None
    _, _, name, operations = max(fitting, key=lambda entry: entry[1])
    escaped = name.replace("~", "~0").replace("/", "~1")
    return f"#/paths/{escaped}/{method.lower()}", operations[method.lower()]


def _anonymous(path: str) -> str:
    """Leave out of a path what no pattern looks at, so that few are looked up."""
    path = re.sub(r"\d{5,}", "0", path)
    return re.sub(r"^(/webhooks/0|/interactions/0)/[^/]+", r"\1/token", path)


def of_request(method: str, path: str, body: object) -> list[str]:
    """Say what Discord's schema would not take in a request's JSON body."""
    operation = _operation(method, _anonymous(path))
    if operation is None:
        return [f"Discord has no {method} {path}"]
    where, described = operation
    if "requestBody" not in described:
        return [] if body is None else [f"{method} takes no body here: {body!r:.200}"]
    if body is None and not described["requestBody"].get("required"):
        return []
    return _mistakes(f"{_REQUESTS}{where}/requestBody/content/application~1json/schema", body)


def of_answer(method: str, path: str, status: int, body: object) -> list[str]:
    """Say where an answer to a request is none that Discord gives."""
    operation = _operation(method, _anonymous(path))
    if operation is None:
        return [f"Discord has no {method} {path}"]
    where, described = operation
    responses = described["responses"]
    key = str(status) if str(status) in responses else f"{status // 100}XX"
    if key not in responses:
        return [] if status >= 500 else [f"Discord does not answer with {status} here"]
    pointer = f"{where}/responses/{key}"
    response = responses[key]
    if "$ref" in response:
        pointer = response["$ref"]
        response = _documents()[_ANSWERS]["components"]["responses"][pointer.split("/")[-1]]
    if "content" not in response:
        return [] if body is None else [f"Discord answers {status} without a body"]
    return _mistakes(f"{_ANSWERS}{pointer}/content/application~1json/schema", body)


def of_schema(name: str, value: object) -> list[str]:
    """Say where a value is none of a named schema, as in Discord's answers."""
    return _mistakes(f"{_ANSWERS}#/components/schemas/{name}", value)
