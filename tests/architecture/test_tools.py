"""The checkers that hold the house together, run as tests: one command checks everything."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import clean_environment

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
# Long enough for a form that a deployment would take; obviously not a secret.
DEPLOYED = {
    "BETTERCHAT_URL": "https://chat.example.org",
    "BETTERCHAT_TRUST_PROXY": "yes",
    "SECRET_KEY": "not-a-secret-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGH",
}


def run(*command: str, folder: Path = ROOT, environment: dict[str, str] | None = None) -> str:
    """Run a checker; its output. Fails the test where it does not exit with 0."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean_environment() | (environment or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}"
    return done.stdout


def python(*arguments: str, environment: dict[str, str] | None = None) -> str:
    return run(sys.executable, *arguments, environment=environment)


def tool(name: str, *arguments: str) -> str:
    return run(str(Path(sys.executable).with_name(name)), *arguments)


def test_ruff_finds_nothing() -> None:
    tool("ruff", "check")


def test_the_code_is_formatted() -> None:
    tool("ruff", "format", "--check")


def test_mypy_finds_nothing() -> None:
    tool("mypy")


def test_imports_point_down() -> None:
    tool("lint-imports", "--no-cache")


def test_templates_are_formatted() -> None:
    templates = [str(path) for path in sorted((ROOT / "templates").rglob("*.html"))]
    assert templates
    tool("djade", "--check", "--target-version", "6.0", *templates)


def test_models_and_migrations_agree(tmp_path: Path) -> None:
    python("manage.py", "makemigrations", "--check", "--dry-run")


def test_django_has_nothing_to_say_about_a_deployment() -> None:
    python("manage.py", "check", "--deploy", "--fail-level", "WARNING", environment=DEPLOYED)


def test_the_written_protocol_is_the_one_of_the_code() -> None:
    python("manage.py", "export_protocol", "--check")


def npm(*arguments: str) -> None:
    """With the Node of the package that the build uses, whatever else is on the machine."""
    npm_ = shutil.which("npm", path=str(Path(sys.executable).parent)) or shutil.which("npm")
    assert npm_, "no npm: the development dependencies are not installed"
    path = f"{Path(npm_).parent}:{clean_environment()['PATH']}"
    run(npm_, *arguments, folder=STATIC, environment={"PATH": path})


@pytest.fixture(scope="module")
def node_modules() -> None:
    if not (STATIC / "node_modules").exists():
        npm("ci", "--no-audit", "--no-fund")


@pytest.mark.usefixtures("node_modules")
def test_the_front_end_has_no_type_or_style_error() -> None:
    npm("run", "check")


@pytest.mark.usefixtures("node_modules")
def test_the_front_end_passes_its_own_tests() -> None:
    npm("test")
