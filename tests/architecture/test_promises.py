"""Each promise to the operator has a test that bears its number; what it promises is that test's name."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PROMISES = range(1, 13)


def promised(path: Path) -> dict[str, set[int]]:
    """Return the tests of a file that bear the mark, with the numbers of what they prove."""
    found: dict[str, set[int]] = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            numbers = {number for mark in node.decorator_list for number in _numbers(mark)}
            if numbers:
                found[node.name] = numbers
    return found


def _numbers(mark: ast.expr) -> list[int]:
    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.promise":
        return [argument.value for argument in mark.args if isinstance(argument, ast.Constant)]  # type: ignore[misc]
    return []


@pytest.mark.parametrize("number", PROMISES)
def test_a_promise_has_a_test_that_says_it_as_a_sentence(number: int) -> None:
    names = [
        name
        for path in sorted(TESTS.rglob("test_*.py"))
        for name, numbers in promised(path).items()
        if number in numbers
    ]
    assert names, f"mark the test of promise {number} with @pytest.mark.promise({number})"
    assert [name for name in names if name.count("_") >= 5] == names, "a name that is a sentence has some words"


def test_a_mark_names_one_promise_that_there_is() -> None:
    found = {
        f"{path.name}::{name}": numbers
        for path in sorted(TESTS.rglob("test_*.py"))
        for name, numbers in promised(path).items()
        if not numbers <= set(range(1, 36))
    }
    assert found == {}
