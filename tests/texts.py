"""What people read, by its key: tests of behaviour do not know how a sentence is put."""

import re

from fluent.syntax import ast

from bot import texts


def says(text: str, key: str, /, **fields: str | float) -> bool:
    """Whether the English sentence stands in a text, whatever the fields that are not given are."""
    return re.search(_pattern(key, fields), text) is not None


def _pattern(key: str, fields: dict[str, str | float]) -> str:
    name, _, attribute = key.partition(".")
    message = next(
        one
        for one in texts._resource(texts.ENGLISH).body
        if isinstance(one, ast.Message) and one.id.name == name
    )
    if attribute:
        message = next(one for one in message.attributes if one.id.name == attribute)
    assert message.value is not None
    return _written(message.value, fields)


def _written(node: ast.BaseNode, fields: dict[str, str | float]) -> str:
    match node:
        case ast.Pattern(elements=elements):
            return "".join(_written(one, fields) for one in elements)
        case ast.TextElement(value=value):
            return re.escape(value)
        case ast.StringLiteral():
            return re.escape(str(node.parse()["value"]))
        case ast.Placeable(expression=expression):
            return _written(expression, fields)
        case ast.VariableReference(id=ast.Identifier(name=name)) if name in fields:
            value = fields[name]
            return re.escape(value if isinstance(value, str) else f"{value:,}")
        case ast.MessageReference(id=ast.Identifier(name=name)):
            return _pattern(name, fields)
        case ast.SelectExpression(variants=variants):
            return f"(?:{'|'.join(_written(one.value, fields) for one in variants)})"
    return r"[\s\S]*?"
