"""The Recorder's JSONL logs: the fields other tools read, one line an event, whole lines only."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from main.database.address import Address
from main.domain.events import OrderEvent, SystemEvent
from main.recording.jsonl import Log
from main.recording.mirror import Mirror
from main.recording.recorder import Recorder
from tests.factories import START, fill
from tests.integration.recorder_events import account, equity, order, position, wait_until


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]


def order_event(kind: str, **given: Any) -> OrderEvent:
    values: dict[str, Any] = {"account": "A", "source": "test", "source_id": kind, "order_id": "o1", "symbol": "X"}
    return OrderEvent(at=START, kind=kind, side="buy", quantity=Decimal("0.10"), **(values | given))


def trouble(severity: str, message: str, **given: Any) -> SystemEvent:
    values: dict[str, Any] = {"source": "test", "source_id": message, "kind": "trouble"}
    return SystemEvent(at=START, severity=severity, message=message, **(values | given))


def mirrored(address: Address, folder: Path, *events: Any) -> Recorder:
    recorder = Recorder(replace(address, host="127.0.0.1", port=1), jsonl=folder)
    for event in events:
        recorder.record(event)
    recorder.start()
    recorder.close(0.1)
    return recorder


def test_each_log_has_the_fields_that_the_import_reads(address: Address, tmp_path: Path):
    recorder = mirrored(
        address,
        tmp_path,
        account(),
        equity(1, "1000.50", cash=Decimal(900), available_margin=Decimal("1.0")),
        position(2, 1, current_price=Decimal(101), unrealized_pnl=Decimal(2)),
        order("placed", 1),
        order_event("placed", price=Decimal("99.5"), model="m1"),
        fill("sell", "0.5", "101.30", order_id="o1"),
        equity(2, 1001),
        trouble("error", "no answer", account="A", details={"symbol": "X", "quantity": Decimal("1.10")}),
        trouble("critical", "nobody's"),
        trouble("warning", "of no importance", account="A"),
    )
    assert recorder.statistics.mirror_failures == 0
    at = START.isoformat()
    assert lines(tmp_path / "A" / "orders.jsonl") == [
        {
            "timestamp": at, "event_type": "placed", "order_id": "o1", "symbol": "X", "side": "buy",
            "quantity": Decimal("0.10"), "price": Decimal("99.5"), "order_type": "limit", "status": "placed",
            "nav": Decimal("1000.50"), "model": "m1",
        }
    ]  # fmt: skip
    (trade,) = lines(tmp_path / "A" / "trades.jsonl")
    assert list(trade) == [
        "timestamp", "event_type", "order_id", "symbol", "side", "quantity", "price", "value", "new_position", "nav",
    ]  # fmt: skip
    assert (trade["value"], trade["new_position"]) == (Decimal("50.650"), Decimal("1.5"))
    assert '"price": 101.30' in (tmp_path / "A" / "trades.jsonl").read_text(), "all digits, none more"
    first, second = lines(tmp_path / "A" / "performance.jsonl")
    assert list(first) == [
        "timestamp", "event_type", "nav", "cash", "positions_count", "positions", "buying_power", "cycle_timestamp",
    ]  # fmt: skip
    assert (first["nav"], first["cash"], first["positions_count"], first["positions"]) == (
        Decimal("1000.50"),
        900,
        None,
        None,
    )
    assert second["positions_count"] == 1
    assert second["positions"]["X"]["quantity"] == 2
    assert lines(tmp_path / "A" / "errors.jsonl") == [
        {"timestamp": at, "error": "no answer", "order_data": {"symbol": "X", "quantity": "1.10"}}
    ]
    assert [each["error"] for each in lines(tmp_path / "errors.jsonl")] == ["nobody's"]


def test_a_fill_before_any_position_has_no_new_position(address: Address, tmp_path: Path):
    mirrored(address, tmp_path, account(), fill("buy", 1, 100))
    (trade,) = lines(tmp_path / "A" / "trades.jsonl")
    assert trade["new_position"] is None
    assert trade["nav"] is None


def test_positions_are_null_until_something_is_heard_of_them(address: Address, tmp_path: Path):
    mirrored(
        address,
        tmp_path,
        account(),
        equity(1, 1000),
        equity(2, 1000, gross_exposure=Decimal(0)),
        equity(3, 1000, gross_exposure=Decimal(500)),
        position(4, 1),
        equity(4, 1000),
        position(5, 1, is_active=False),
        equity(5, 1000),
    )
    told = lines(tmp_path / "A" / "performance.jsonl")
    assert [line["positions_count"] for line in told] == [None, 0, None, 1, 0]
    assert [line["positions"] and list(line["positions"]) for line in told] == [None, {}, None, ["X"], {}]


def test_logs_grow_while_the_database_is_away(address: Address, tmp_path: Path):
    recorder = Recorder(replace(address, host="127.0.0.1", port=1), jsonl=tmp_path)
    recorder.start()
    wait_until(lambda: recorder.statistics.database_reachable is False)
    recorder.record(fill("buy", 1, 100))
    wait_until((tmp_path / "A" / "trades.jsonl").exists)
    recorder.record(fill("buy", 1, 100))
    wait_until(lambda: len(lines(tmp_path / "A" / "trades.jsonl")) == 2)
    recorder.close(0.1)


def test_a_disk_that_takes_nothing_is_counted_and_raises_nothing(address: Address, tmp_path: Path):
    (tmp_path / "A").write_text("a file in the place of a folder")
    recorder = mirrored(address, tmp_path, account(), fill("buy", 1, 100), fill("buy", 1, 100))
    assert recorder.statistics.mirror_failures == 2


def test_a_log_that_cannot_be_written_is_told_once_while_others_go_on(tmp_path: Path):
    (tmp_path / "A").write_text("a file in the place of a folder")
    mirror = Mirror(tmp_path)
    with capture_logs() as told:
        for _ in range(3):
            for name in ("A", "B"):
                mirror.offer(replace(fill("buy", 1, 100), account=name))
            mirror.write()
    assert (mirror.failures, len(lines(tmp_path / "B" / "trades.jsonl"))) == (3, 3)
    assert [line["file"] for line in told] == [str(tmp_path / "A" / "trades.jsonl")]
    (tmp_path / "A").unlink()
    with capture_logs() as told:
        mirror.offer(fill("buy", 1, 100))
        mirror.write()
    assert [line["log_level"] for line in told] == ["info"]


def test_an_account_that_is_no_account_id_reaches_no_other_folder(address: Address, tmp_path: Path):
    hostile = fill("buy", 1, 100)
    object.__setattr__(hostile, "account", "../outside")
    recorder = mirrored(address, tmp_path / "logs", hostile)
    assert recorder.statistics.mirror_failures == 1
    assert not (tmp_path / "outside").exists()


def test_a_line_that_was_cut_off_stays_alone_on_its_line(tmp_path: Path):
    path = tmp_path / "orders.jsonl"
    path.write_text('{"a": 1}\n{"b": ')
    Log(path).append(['{"c": 3}', '{"d": 4}'])
    assert path.read_text().splitlines() == ['{"a": 1}', '{"b": ', '{"c": 3}', '{"d": 4}']


def test_a_log_turns_into_older_ones_and_the_oldest_goes(tmp_path: Path):
    log = Log(tmp_path / "orders.jsonl", largest=100, files=3)
    for number in range(20):
        log.append([f'{{"number": {number:04d}, "text": "{"x" * 30}"}}'.replace("0000", "0")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["orders.jsonl", "orders.jsonl.1", "orders.jsonl.2"]
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())
    assert "0019" in (tmp_path / "orders.jsonl").read_text()


@pytest.mark.parametrize("number", ["1E+5", "1E-8", "-0.50", "12345678901234567890.123456789"])
def test_numbers_keep_all_their_digits(address: Address, tmp_path: Path, number: str):
    mirrored(address, tmp_path, equity(1, number))
    (line,) = lines(tmp_path / "A" / "performance.jsonl")
    assert Decimal(line["nav"]) == Decimal(number)
