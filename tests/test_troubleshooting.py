"""The messages that the troubleshooting page explains are those of the code."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MESSAGES = re.findall(
    r'^\| "(.+?)" \|', (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE
)


@pytest.fixture(scope="module")
def literals() -> str:
    """Return every text of the source, a line for each, with a mark where a value is put in."""
    lines = []
    for path in sorted((ROOT / "lrsearch").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                lines.append("".join(part.value if isinstance(part, ast.Constant) else "\0" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                lines.append(node.value)
    return "\n".join(lines)


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_is_one_of_the_code(message: str, literals: str) -> None:
    """What stands between the dots is said by the code, word for word."""
    for piece in filter(None, (part.strip() for part in message.split("..."))):
        assert piece in literals, piece


def test_the_page_explains_some() -> None:
    """The rows are read."""
    assert len(MESSAGES) > 20
