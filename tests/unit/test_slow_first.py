"""The order in which test files start."""

from pathlib import Path

from tests.slow_first import side_by_side


def test_busy_files_and_those_that_wait_take_turns_the_longest_of_each_first(tmp_path: Path) -> None:
    seconds = {}
    for name, text, length in (
        ("a", "pytest.mark.browser", 10),
        ("b", "pytest.mark.browser", 80),
        ("c", "pytest.mark.browser", 10),
        ("d", "", 20),
        ("e", "", 180),
    ):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        seconds[path] = float(length)
    assert "".join(path.stem for path in side_by_side(seconds)) == "ebadc"
    assert list(side_by_side({})) == []
