"""Names have one home, on the ground floor."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import names

ROOT = Path(__file__).parents[2]
MODULES = [
    path
    for room in ("facts", "plan", "rollout", "tasks")
    for path in sorted((ROOT / room).rglob("*.py"))
]
# What is told from other words by its form alone.
SPELLINGS = (
    names.BASE,
    names.RUN,
    names.CONFIG_LABEL,
    names.PUBLISH_NETWORK,
    names.PUBLISH_INTERFACE,
    names.HOST_UNIT,
    names.FIREWALL_UNIT,
    names.SWITCH_UNIT,
    names.SIDECAR,
    *names.SHIM_INTERFACES,
)


def test_names_import_nothing_of_ours() -> None:
    tree = ast.parse((ROOT / "names.py").read_text())
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [node.module for node in imported if isinstance(node, ast.ImportFrom)] == ["__future__"]
    assert len(imported) == 1


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_spells_no_name_of_a_host(path: Path) -> None:
    """In code; docstrings may speak of what they are about."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]
    spelled = {name for name in SPELLINGS for text in texts if name in text}
    assert not spelled


@pytest.mark.parametrize("path", sorted((ROOT / "host").iterdir()), ids=lambda path: path.name)
def test_host_program_spells_no_name_of_a_host(path: Path) -> None:
    code = "\n".join(
        line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")
    )
    assert not {name for name in SPELLINGS if name in code}
