"""Rules of the house that no tool knows."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import ForeignKey

from betterchat.core.errors import ERROR_TEXTS, ErrorCode
from chat.protocol.commands import COMMAND_TYPES
from chat.protocol.events import EVENT_TYPES

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("betterchat", "accounts", "providers", "mcp_integration", "chat")
FLOORS = {"accounts": 0, "providers": 1, "mcp_integration": 1, "chat": 2}
TOP_LEVEL = {
    "manage.py", "pyproject.toml", *PACKAGES, "templates", "static", "tests",
    "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "Dockerfile", "compose.yaml",
}  # fmt: skip
ASYNC_ORM = {
    "aget", "acreate", "aupdate", "adelete", "afirst", "alast", "acount", "aexists", "aiterator",
    "aget_or_create", "aupdate_or_create", "abulk_create", "abulk_update", "ain_bulk", "asave",
    "arefresh_from_db", "aaggregate", "aearliest", "alatest",
}  # fmt: skip
LINES_MAX = 330


def tracked() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return listing.stdout.splitlines()


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text())


def test_the_top_level_holds_what_was_agreed() -> None:
    names = {path.split("/")[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} == TOP_LEVEL


def test_files_stay_readable_at_one_sitting() -> None:
    long = {
        str(path): count for path, _ in sources() if (count := len(path.read_text().splitlines())) > LINES_MAX
    }
    assert long == {}


def test_foreign_keys_point_down() -> None:
    upward = [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in FLOORS
        for field in model._meta.get_fields()
        if isinstance(field, ForeignKey)
        and (target := field.related_model._meta.app_label) in FLOORS
        and target != model._meta.app_label
        and FLOORS[target] >= FLOORS[model._meta.app_label]
    ]
    assert upward == []


def test_the_async_orm_is_not_used() -> None:
    used = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ASYNC_ORM
    ]
    assert used == []


def test_functions_import_nothing_but_litellm() -> None:
    inner = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if (isinstance(node, ast.Import) and any(not n.name.startswith("litellm") for n in node.names))
        or (isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("litellm"))
    ]
    assert inner == []


def test_our_apps_send_each_other_no_signals() -> None:
    """Receiving a library's signal is fine; making one, or hearing each other's saves, is not."""
    signals = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("django.db.models.signals"))
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Signal")
    ]
    assert signals == []


def test_every_error_code_has_its_words() -> None:
    assert set(ERROR_TEXTS) == set(ErrorCode)
    sentences = [text.sentence for text in ERROR_TEXTS.values()]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("frame", [*COMMAND_TYPES, *EVENT_TYPES], ids=lambda frame: frame.__name__)
def test_commands_are_closed_and_frames_are_tagged(frame: type) -> None:
    config = frame.__struct_config__  # type: ignore[attr-defined]
    assert config.tag
    assert config.tag_field == "type"
    if frame in COMMAND_TYPES:
        assert config.forbid_unknown_fields


def test_nothing_of_registries_or_secrets_is_committed() -> None:
    assert "uv.lock" not in tracked()
    for name in ("static/package-lock.json", ".requirements.lock", "pyproject.toml", "Dockerfile"):
        text = (ROOT / name).read_text()
        for forbidden in ("resolved", "registry.npmjs", "pypi.org", "pythonhosted"):
            assert forbidden not in text, f"{name} names {forbidden}"
