"""Settings: which source wins, what every mistake says, and what a child process gets."""

import contextlib
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from main.config import DatabaseSettings, Settings, database_overrides, load_settings
from main.config.database_url import masked, parts
from main.config.environment import DATABASE_URL, VARIABLES
from main.config.mistakes import setting_keys
from main.config.provenance import dotted
from main.config.signing_key import is_weak
from main.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
CANARY = "canary-7f3a9c"
STRONG = "9f8e7d6c5b4a39281706f5e4d3c2b1a0ffeeddcc"

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load settings from what a test writes, with an environment of its own."""

    def load(
        yaml: str = "",
        dotenv: str = "",
        env: Mapping[str, str] | None = None,
        overrides: Mapping[str, object] | None = None,
    ) -> Settings:
        (tmp_path / "config").mkdir(exist_ok=True)
        (tmp_path / "config/dashboards.yaml").write_text(yaml, encoding="utf-8")
        (tmp_path / ".env").write_text(dotenv, encoding="utf-8")
        return load_settings(overrides, env={"HOME": str(tmp_path / "home")} | dict(env or {}), cwd=tmp_path)

    return load


@pytest.fixture
def problems(load: Load) -> Callable[..., list[str]]:
    """Return the problems that loading reports, one line each."""

    def problems(*sources: str, **named: Mapping[str, object]) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            load(*sources, **named)
        assert caught.value.message == "\n".join(str(problem) for problem in caught.value.problems)
        return caught.value.message.splitlines()

    return problems


def source_of(settings: Settings, key: str) -> str:
    return next(row.source for row in settings.describe() if row.key == key)


class TestDefaults:
    def test_nothing_configured_gives_the_documented_defaults(self, load: Load) -> None:
        settings = load()
        trading, system = settings.dashboards.trading, settings.dashboards.system
        assert (trading.port, trading.update_interval, trading.max_positions, trading.chart_history_days) == (
            8080,
            5,
            50,
            30,
        )
        assert (system.port, system.update_interval, system.metrics_retention) == (8052, 5, 3600)
        assert system.process_filter == ("python", "postgres", "redis")
        assert (settings.dashboards.monitoring.port, settings.dashboards.monitoring.update_interval) == (8000, 60)
        assert (settings.manager.port, settings.worker.port, settings.trade.health_port) == (8053, 8054, 8090)
        assert settings.trade.interval == 3
        trade = settings.trade
        assert (trade.strategy, trade.account, trade.speed, trade.symbols, trade.jsonl) == (None, None, None, (), None)
        assert trade.history_days == 120
        assert settings.account("anyone").initial_deposit == 100_000
        assert settings.alpaca.url == "https://paper-api.alpaca.markets"
        assert (settings.alpaca.secret_key, settings.ccxt.url) == (None, None)
        assert settings.database.embedded

    def test_the_shipped_file_says_exactly_the_defaults(self, load: Load) -> None:
        shipped = (ROOT / "config/dashboards.yaml").read_text(encoding="utf-8")
        assert load(shipped) == load()

    def test_the_shipped_file_names_every_setting_and_no_other(self) -> None:
        shipped = (ROOT / "config/dashboards.yaml").read_text(encoding="utf-8")
        written = set(re.findall(r"^[ #-]*([a-z_]+):(?: |$)", shipped, re.MULTILINE))
        assert written == {str(key[-1]) for key in setting_keys(Settings)}

    def test_the_example_environment_names_every_variable_and_no_other(self) -> None:
        example = (ROOT / ".env.example").read_text(encoding="utf-8")
        assert set(re.findall(r"^# ([A-Z_]+)=", example, re.MULTILINE)) == {*VARIABLES, DATABASE_URL}

    def test_every_line_of_the_examples_works_once_its_comment_mark_is_gone(self, load: Load) -> None:
        shipped = (ROOT / "config/dashboards.yaml").read_text(encoding="utf-8")
        mark = re.compile(r"# (accounts:|bots:|pages:|  [ -])")
        settings = load("\n".join(line[2:] for line in shipped.splitlines() if mark.match(line)))
        assert settings.account("paper").daily_loss_limit == Decimal(5000)
        assert settings.account("paper").roll_over.total_seconds() == 17 * 3600
        assert settings.bots[0].health_url == "http://127.0.0.1:8090"
        assert [panel.panel for panel in settings.pages[0].panels] == ["equity", "slippage"]
        example = (ROOT / ".env.example").read_text(encoding="utf-8")
        wanted = re.sub(r"^# (?=[A-Z_]+=)", "", example, flags=re.MULTILINE)
        assert load(dotenv=re.sub(r"^DATABASE_URL=.*$", "", wanted, flags=re.MULTILINE)).database.host == "localhost"

    def test_settings_cannot_be_changed(self, load: Load) -> None:
        settings = load()
        with pytest.raises(ValidationError, match="frozen"):
            settings.database.port = 1
        with pytest.raises(ValidationError, match="frozen"):
            settings.redis_url = None

    def test_folders_are_absolute_and_below_home_and_working_directory(self, load: Load, tmp_path: Path) -> None:
        settings = load()
        assert settings.log_dir == tmp_path / "logs"
        assert tmp_path / "home" in settings.data_dir.parents
        assert load(env={"AI_TRADER_DATA_DIR": "store"}).data_dir == tmp_path / "store"
        assert load(env={"XDG_DATA_HOME": "/xdg"}).data_dir == Path("/xdg/ai-trader")


class TestOrder:
    YAML = "dashboards:\n  trading:\n    port: 8101\n"
    KEY = "dashboards.trading.port"

    def test_each_source_wins_over_the_weaker_ones_and_is_named(self, load: Load) -> None:
        dotenv, env, overrides = (
            "A=1\nTRADING_DASHBOARD_PORT=8102\n",
            {"TRADING_DASHBOARD_PORT": "8103"},
            {self.KEY: 8104},
        )
        steps: list[tuple[dict[str, Any], int, str]] = [
            ({}, 8080, "default"),
            ({"yaml": self.YAML}, 8101, "config/dashboards.yaml:3"),
            ({"yaml": self.YAML, "dotenv": dotenv}, 8102, ".env:2 TRADING_DASHBOARD_PORT"),
            ({"yaml": self.YAML, "dotenv": dotenv, "env": env}, 8103, "environment TRADING_DASHBOARD_PORT"),
            ({"yaml": self.YAML, "dotenv": dotenv, "env": env, "overrides": overrides}, 8104, "command line"),
        ]
        for sources, port, source in steps:
            settings = load(**sources)
            assert (settings.dashboards.trading.port, source_of(settings, self.KEY)) == (port, source)

    def test_an_option_not_given_and_an_empty_variable_leave_the_weaker_source(self, load: Load) -> None:
        settings = load(self.YAML, "TRADING_DASHBOARD_PORT=\n", {"TRADING_DASHBOARD_PORT": ""}, {self.KEY: None})
        assert settings.dashboards.trading.port == 8101

    @pytest.mark.parametrize("name", sorted(VARIABLES))
    def test_every_variable_sets_its_settings(self, load: Load, name: str) -> None:
        values = {"SECRET_KEY": STRONG, "FLASK_SECRET_KEY": STRONG, "DATABASE_DIRECT_URL": "postgresql://h/n"}
        values |= {"ALPACA_URL": "https://broker", "CCXT_URL": "http://127.0.0.1:9", "REDIS_URL": "redis://h:6379/0"}
        value = values.get(name, "7" if name.endswith("INTERVAL") else "7001")
        rows = {row.key: row for row in load(env={name: value}).describe()}
        for key in VARIABLES[name]:
            assert rows[dotted(key)].source == f"environment {name}"

    def test_the_secret_key_wins_over_its_alias(self, load: Load) -> None:
        assert load(env={"SECRET_KEY": STRONG, "FLASK_SECRET_KEY": STRONG[::-1]}).signing_key() == STRONG
        assert load(env={"FLASK_SECRET_KEY": STRONG[::-1]}).signing_key() == STRONG[::-1]

    def test_lists_are_replaced_and_sections_joined(self, load: Load) -> None:
        settings = load(
            "dashboards:\n  system:\n    process_filter: [node]\n    port: 8200\n",
            overrides={"dashboards.system.process_filter": ["java", "go"]},
        )
        assert settings.dashboards.system.process_filter == ("java", "go")
        assert settings.dashboards.system.port == 8200

    def test_quotes_comments_and_export_in_dotenv_are_understood(self, load: Load) -> None:
        settings = load(
            dotenv="\n# the database\nexport DB_HOST='db one' # no\nDB_PASSWORD=\"a#b $HOME\"\n".replace(" one", "")
        )
        assert settings.database.host == "db"
        assert settings.database.password is not None
        assert settings.database.password.get_secret_value() == "a#b $HOME"
        assert source_of(settings, "database.host") == ".env:3 DB_HOST"

    def test_merge_keys_of_yaml_are_followed(self, load: Load) -> None:
        settings = load(
            "dashboards:\n  trading: &one\n    update_interval: 9\n  monitoring:\n    <<: *one\n    port: 8300\n"
        )
        assert settings.dashboards.monitoring.update_interval == 9


class TestTrade:
    def test_several_accounts_are_named_with_commas_and_each_may_have_its_strategy(self, load: Load) -> None:
        yaml = "trade: {account: 'A,B.2', history_days: 0, symbols: [BTC/USDT]}\naccounts: [{id: A, strategy: mine}]\n"
        settings = load(yaml)
        assert (settings.trade.account, settings.trade.history_days) == ("A,B.2", 0)
        assert settings.trade.symbols == ("BTC/USDT",)
        assert (settings.account("A").strategy, settings.account("B.2").strategy) == ("mine", None)

    def test_the_keys_of_a_broker_are_secrets_and_reach_a_child(self, load: Load) -> None:
        settings = load(env={"ALPACA_KEY_ID": CANARY, "ALPACA_SECRET_KEY": CANARY})
        assert CANARY not in repr(settings) + "".join(row.value for row in settings.describe())
        child = load_settings(env=settings.child_environment())
        assert child.alpaca.secret_key is not None
        assert child.alpaca.secret_key.get_secret_value() == CANARY

    @pytest.mark.parametrize(
        ("yaml", "expected"),
        [
            ("trade: {account: 'A,,B'}", 'got "A,,B", expected an account id: letters'),
            ("trade: {history_days: -1}", "got -1, expected a whole number of days from 0"),
            ("accounts: [{id: A, initial_deposit: 0}]", "got 0, expected a number above 0"),
            ("ccxt: {url: 'ftp://x'}", "expected an http:// or https:// address"),
            ("trade: {jsonl: ''}", 'got "", expected a folder'),
            ("trade: {speed: 0}", "got 0, expected a number above 0, in bars a second"),
            ("accounts: [{id: A, label: x}, {id: B}, {id: A}]", "accounts[2].id: got A, expected an id of its own"),
        ],
    )
    def test_what_cannot_be_is_told(self, problems: Callable[..., list[str]], yaml: str, expected: str) -> None:
        (told,) = problems(yaml)
        assert expected in told


class TestMistakes:
    def test_every_mistake_of_every_source_is_reported_at_once(self, problems: Callable[..., list[str]]) -> None:
        found = problems(
            "dashboards:\n  trading:\n    prot: 8080\n    update_interval: fast\nbots:\n  - account: a b\n",
            "\nDB_PORT=99999\n",
            env={"MANAGER_PORT": "x"},
            overrides={"trade.seed": -1},
        )
        assert sorted(found) == sorted(
            [
                "config/dashboards.yaml:3 dashboards.trading.prot: got an unknown key, expected one of port, "
                'update_interval, max_positions, chart_history_days, public_url; did you mean "port"?',
                'config/dashboards.yaml:4 dashboards.trading.update_interval: got "fast", expected a number of '
                "seconds from 0.1 to 3600",
                'config/dashboards.yaml:6 bots[0].account: got "a b", expected an account id: letters, digits and '
                "_ . @ -, at most 64",
                "config/dashboards.yaml:6 bots[0].health_url: got nothing, expected a value, because nothing can be "
                "assumed",
                '.env:2 DB_PORT: got "99999", expected a port from 1 to 65535, or one for each host: 5432,5433',
                'environment MANAGER_PORT: got "x", expected a port from 1 to 65535',
                "command line trade.seed: got -1, expected a whole number from 0 to 2^63 - 1",
            ]
        )

    @pytest.mark.parametrize(
        ("yaml", "expected"),
        [
            ("dashbords:\n  trading: {}\n", r'^config/dashboards.yaml:1 dashbords: .*did you mean "dashboards"\?$'),
            ("\nmax_positions: 3\n", r':2 max_positions: .*did you mean "dashboards.trading.max_positions"\?$'),
            ("a: [\n", r"^config/dashboards.yaml:2: got .*, expected valid YAML$"),
            ("a: \x00\n", r"^config/dashboards.yaml: got .*, expected valid YAML$"),
            ("a: !!python/object:os.system x\n", r"^config/dashboards.yaml:1: got could not determine a constructor"),
            ("- 1\n", r"^config/dashboards.yaml:1: got a list, expected sections such as dashboards: and database:$"),
            ("hello\n", r"^config/dashboards.yaml:1: got a single value"),
            (
                "dashboards: 5\n",
                r":1 dashboards: got 5, expected a section with the keys host, trading, system, monitor",
            ),
            (
                "dashboards:\n  system:\n    process_filter: python\n",
                r':3 .*process_filter: got "python", expected a list$',
            ),
            ("manager:\n  port: yes\n", r":2 manager.port: got true, expected a port from 1 to 65535$"),
            (
                "manager:\n  port: 8053\n  port: 9\n",
                r":3 manager.port: got the key again, expected it once \(line 2 has it\)$",
            ),
            (
                "database:\n  statement_timeout: .nan\n",
                r":2 database.statement_timeout: got nan, expected a number of sec",
            ),
            (
                "accounts:\n  - {id: a, zone: Mars/Base}\n",
                r':2 accounts\[0\].zone: got "Mars/Base", expected a time zone',
            ),
            (
                "alerts:\n  - name: x\n",
                r":1 alerts: got a list, expected an empty list: this version reads nothing here yet$",
            ),
            (
                "retention:\n  trades: 5\n",
                r":2 retention.trades: got an unknown key, expected one of market_snapshots_days, system_events_days",
            ),
            (
                "dashboards:\n  trading:\n    public_url: ftp://x\n",
                r':3 .*: got "ftp://x", expected an http:// or https://',
            ),
            (
                "worker:\n  port: 8053\n",
                r"^config/dashboards.yaml:2 worker.port: got 8053, .*own \(manager.port has it\)$",
            ),
            (
                "database:\n  direct_url: x\n",
                r":2 database.direct_url: got a value that is not shown, expected postgresql://",
            ),
            ("alerts: &a\n  - *a\n", r"^config/dashboards.yaml: got lists or sections without end inside each other"),
            ("a: " + "[" * 5000, r"^config/dashboards.yaml: got lists or sections without end inside each other"),
            (
                "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
                + "".join(f"{n}: &{n} [{','.join('*' + chr(ord(n) - 1) for _ in range(10))}]\n" for n in "bcdefghi"),
                r"^config/dashboards.yaml: got more than 10000 values, expected valid YAML$",
            ),
        ],
    )
    def test_a_mistake_in_yaml_names_line_key_and_what_was_expected(
        self, problems: Callable[..., list[str]], yaml: str, expected: str
    ) -> None:
        found = problems(yaml)
        assert [line for line in found if re.search(expected, line)], found

    @pytest.mark.parametrize(
        ("dotenv", "expected"),
        [
            (
                "DB_HOTS=db\n",
                r'^.env:1 DB_HOTS: got an unknown variable, expected a known one; did you mean "DB_HOST"\?$',
            ),
            ("X=1\nnot an assignment\n", r"^.env:2: got no assignment, expected NAME=value$"),
            ("AI_TRADER_LOGDIR=x\n", r'^.env:1 AI_TRADER_LOGDIR: .*did you mean "AI_TRADER_LOG_DIR"\?$'),
            (
                "AI_TRADER_LOG_DIR=~nobody-at-all/x\n",
                r'^.env:1 AI_TRADER_LOG_DIR: got "~nobody-at-all/x", expected a folder',
            ),
            (
                "SECRET_KEY=changeme\n",
                r"^.env:1 SECRET_KEY: got a value that is not shown, expected at least 32 random",
            ),
            ("DATABASE_URL=mysql://h/n\n", r"^.env:1 DATABASE_URL: got something else, expected postgresql://"),
            ("DATABASE_URL=postgresql://h/n\nDB_HOST=g\n", r"^.env:2 DB_HOST: got another value than in DATABASE_URL"),
        ],
    )
    def test_a_mistake_in_dotenv_names_line_and_variable(
        self, problems: Callable[..., list[str]], dotenv: str, expected: str
    ) -> None:
        found = problems("", dotenv)
        assert [line for line in found if re.search(expected, line)], found

    def test_variables_of_other_programs_are_no_mistake(self, load: Load) -> None:
        others = {"APCA_API_SECRET_KEY": "x", "POSTGRES_PASSWORD": "x", "JWT_SECRET_KEY": "x", "PORT": "1"}
        load("", "".join(f"{name}={value}\n" for name, value in others.items()), env={**others, "DB_HOTS": "x"})

    def test_an_unknown_variable_of_ours_in_the_environment_is_a_mistake(
        self, problems: Callable[..., list[str]]
    ) -> None:
        assert problems(env={"AI_TRADER_DATADIR": "x"}) == [
            "environment AI_TRADER_DATADIR: got an unknown variable, expected one of AI_TRADER_DATA_DIR, "
            'AI_TRADER_LOG_DIR; did you mean "AI_TRADER_DATA_DIR"?'
        ]

    def test_a_variable_between_our_own_processes_is_no_mistake(self, load: Load) -> None:
        load(env={"AI_TRADER_SUPERVISOR": "12:3"})

    def test_the_variable_kubernetes_makes_of_a_service_is_explained(self, problems: Callable[..., list[str]]) -> None:
        [found] = problems(env={"TRADING_DASHBOARD_PORT": "tcp://10.0.0.7:8080"})
        assert "enableServiceLinks: false" in found

    def test_a_variable_that_sets_two_settings_is_reported_once(self, problems: Callable[..., list[str]]) -> None:
        assert len(problems(env={"DASHBOARD_UPDATE_INTERVAL": "often"})) == 1

    def test_a_port_taken_twice_is_reported_beside_other_mistakes(self, problems: Callable[..., list[str]]) -> None:
        found = problems("trade: {seed: x}\n", env={"TRADING_DASHBOARD_PORT": "8052"})
        assert any("trade.seed" in line for line in found)
        clash = (
            "environment TRADING_DASHBOARD_PORT: got 8052, expected a port of its own (dashboards.system.port has it)"
        )
        assert clash in found

    def test_the_port_of_the_database_is_another_machines(self, load: Load) -> None:
        assert load(env={"DB_PORT": "8080", "DB_HOST": "db"}).database.port == 8080

    def test_a_named_file_that_is_not_there_is_a_mistake(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match=r"^my\.yaml: got No such file or directory, expected a readable"):
            load_settings(config_file=Path("my.yaml"), env={}, cwd=tmp_path)

    @pytest.mark.parametrize("name", [".env", "config/dashboards.yaml"])
    def test_a_file_that_is_no_text_is_a_mistake(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "config").mkdir()
        (tmp_path / name).write_bytes(b"DB_HOST: \xff\xfe")
        with pytest.raises(ConfigurationError, match=rf"^{name}: got bytes that are not UTF-8"):
            load_settings(env={}, cwd=tmp_path)

    @given(st.binary(max_size=200))
    def test_no_content_of_the_file_ends_in_anything_but_problems(
        self, tmp_path_factory: pytest.TempPathFactory, content: bytes
    ) -> None:
        path = tmp_path_factory.getbasetemp() / "any.yaml"
        path.write_bytes(content)
        with contextlib.suppress(ConfigurationError):
            load_settings(config_file=path, env={}, cwd=path.parent)


class TestDatabase:
    URL = f"postgresql://mo%40n:{CANARY}@db.example:6000/tra%20de?sslmode=require"

    def test_a_url_is_taken_apart(self, load: Load) -> None:
        database = load(env={"DATABASE_URL": self.URL}).database
        assert (database.host, database.port, database.name, database.user, database.tls) == (
            "db.example",
            6000,
            "tra de",
            "mo@n",
            "require",
        )
        assert database.password is not None
        assert database.password.get_secret_value() == CANARY
        assert not database.embedded

    def test_a_stronger_url_takes_nothing_of_a_weaker_address(self, load: Load) -> None:
        settings = load(
            "database:\n  host: old\n  port: 1234\n  user: olduser\n  pool_size: 5\n",
            env={"DATABASE_URL": "postgres://new"},
        )
        assert (settings.database.host, settings.database.port, settings.database.user) == ("new", 5432, "ai_trader")
        assert settings.database.pool_size == 5

    def test_a_stronger_host_is_never_sent_the_password_of_a_weaker_url(self, load: Load) -> None:
        settings = load(dotenv=f"DATABASE_URL={self.URL}\n", overrides={"database.host": "elsewhere"})
        assert (settings.database.host, settings.database.password) == ("elsewhere", None)

    def test_a_password_may_stand_apart_from_its_url(self, load: Load) -> None:
        settings = load(env={"DATABASE_URL": "postgres://u@h/n", "DB_PASSWORD": CANARY})
        assert settings.database.password is not None
        assert settings.database.password.get_secret_value() == CANARY

    def test_the_direct_address_differs_only_in_what_its_url_says(self, load: Load) -> None:
        database = load(env={"DATABASE_URL": self.URL, "DATABASE_DIRECT_URL": "postgres://real:7000"}).database
        assert (database.direct.host, database.direct.port, database.direct.name) == ("real", 7000, "tra de")
        assert database.direct.password == database.password
        assert DatabaseSettings(host="x").direct == DatabaseSettings(host="x")

    @pytest.mark.parametrize(
        "url", ["", "postgresql://", "http://h/n", "postgres://h:x/n", "postgres://h/n?options=-c", "postgres://h/n#f"]
    )
    def test_what_is_no_url_or_would_be_ignored_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match=r".+"):
            parts(url)

    def test_a_url_may_name_a_primary_and_its_standbys(self, load: Load) -> None:
        url = "postgresql://u:p@one:6000,two,[::1]:6001/n?target_session_attrs=read-write"
        database = load(env={"DATABASE_URL": url}).database
        assert database.places == (("one", 6000), ("two", 5432), ("::1", 6001))
        assert database.direct.places == database.places

    def test_several_hosts_share_a_port_or_have_one_each(self, load: Load) -> None:
        assert load(env={"DB_HOST": "a,b", "DB_PORT": "6000"}).database.places == (("a", 6000), ("b", 6000))
        assert load(env={"DB_HOST": "a,b", "DB_PORT": "1,2"}).database.places == (("a", 1), ("b", 2))
        assert load(env={"DB_HOST": "a,b"}).child_environment()["AI_TRADER_SETTINGS"].count("a,b") == 1
        assert DatabaseSettings().places == ()
        with pytest.raises(ConfigurationError, match="one port for all hosts, or one for each of them"):
            load(env={"DB_HOST": "a,b", "DB_PORT": "1,2,3"})
        with pytest.raises(ConfigurationError, match=r"DB_PORT: got .*expected a port from 1 to 65535"):
            load(env={"DB_HOST": "a,b", "DB_PORT": "1,x"})

    def test_the_direct_address_of_several_hosts_has_its_own_port(self, load: Load) -> None:
        env = {"DB_HOST": "a,b", "DB_PORT": "1,2", "DATABASE_DIRECT_URL": "postgres://real"}
        assert load(env=env).database.direct.places == (("real", 5432),)

    def test_a_socket_folder_may_be_given_as_in_libpq(self) -> None:
        assert parts("postgresql:///trade?host=/run/pg&port=5433") == {"host": "/run/pg", "port": 5433, "name": "trade"}

    def test_a_stronger_host_is_not_paired_with_the_direct_address_of_a_weaker_one(self, load: Load) -> None:
        yaml = "database:\n  host: old\n  direct_url: postgres://old:7000\n"
        assert load(yaml).database.direct.port == 7000
        assert load(yaml, env={"DB_HOST": "new"}).database.direct.host == "new"

    @pytest.mark.parametrize("host", ["a b", "h/n", "u@h", "h\x1b[31m", "postgres://h"])
    def test_a_host_that_is_none_is_refused(self, load: Load, host: str) -> None:
        with pytest.raises(ConfigurationError, match="expected a host name"):
            load(env={"DB_HOST": host})

    def test_the_classic_argument_becomes_overrides(self, load: Load) -> None:
        stated = {"host": "h", "port": 5433, "database": "d", "user": "u", "password": CANARY}
        for argument in (stated, json.dumps(stated)):
            database = load(dotenv="DB_HOST=other\n", overrides=database_overrides(argument)).database
            assert (database.host, database.port, database.name, database.user) == ("h", 5433, "d", "u")
            assert database.password is not None
            assert database.password.get_secret_value() == CANARY

    @pytest.mark.parametrize(
        ("argument", "expected"),
        [
            ('{"host": "h",}', r"^--config: got no JSON \(.* at character 14\), expected {"),
            ("[" * 100_000, r"^--config: got JSON nested too deep, expected"),
            (f'["{CANARY}"]', r"^--config: got JSON that is no object, expected"),
            (f'{{"pasword": "{CANARY}"}}', r'^--config pasword: got an unknown key, .*; did you mean "password"\?$'),
        ],
    )
    def test_a_classic_argument_that_is_wrong_is_one_clear_line(self, argument: str, expected: str) -> None:
        with pytest.raises(ConfigurationError, match=expected) as caught:
            database_overrides(argument)
        assert CANARY not in caught.value.message
        assert "\n" not in caught.value.message

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("redis://:pw@h:6379/0", "redis://:***@h:6379/0"),
            ("postgresql://u:p@w@h/n", "postgresql://u:***@h/n"),
            ("http://h/@x", "http://h/@x"),
            ("a@b", "a@b"),
        ],
    )
    def test_the_password_in_a_url_is_masked(self, text: str, expected: str) -> None:
        assert masked(text) == expected


class TestSecrets:
    def test_no_secret_is_described_printed_or_complained_about(self, load: Load) -> None:
        env = {
            "DATABASE_URL": f"postgresql://u:{CANARY}@h/n",
            "DATABASE_DIRECT_URL": f"postgresql://u:{CANARY}@g/n",
            "REDIS_URL": f"redis://:{CANARY}@r:6379/0",
            "SECRET_KEY": CANARY + STRONG,
        }
        settings = load(env=env)
        assert CANARY not in "".join(map(str, settings.describe()))
        assert CANARY not in repr(settings)
        assert CANARY not in str(settings)
        with pytest.raises(ConfigurationError) as caught:
            load(
                f"database:\n  pasword: {CANARY}\n  host: [{CANARY}]\naccounts: postgresql://u:{CANARY}@h/n\n",
                env={"DATABASE_DIRECT_URL": f"mysql://u:{CANARY}@g/n", "SECRET_KEY": CANARY},
            )
        assert len(caught.value.problems) >= 5
        assert CANARY not in caught.value.message

    @pytest.mark.parametrize(
        "key",
        ["changeme", "secret", "x" * 64, "abcabcabc" * 8, "your-secret-key-goes-right-here-0123456789", STRONG[:31]],
    )
    def test_a_placeholder_is_weak(self, key: str) -> None:
        assert is_weak(key)

    def test_a_random_key_is_not_weak(self) -> None:
        assert not is_weak(STRONG)

    def test_a_key_is_made_once_kept_and_readable_by_its_owner_only(self, load: Load) -> None:
        settings = load()
        with ThreadPoolExecutor(8) as threads:
            keys = set(threads.map(lambda _: settings.signing_key(), range(32)))
        assert len(keys) == 1
        assert not is_weak(keys.pop())
        assert [path.name for path in settings.data_dir.iterdir()] == ["secret_key"]
        assert stat.S_IMODE((settings.data_dir / "secret_key").stat().st_mode) == 0o600

    def test_a_kept_key_that_others_can_read_is_refused(self, load: Load) -> None:
        settings = load()
        settings.signing_key()
        (settings.data_dir / "secret_key").chmod(0o644)
        with pytest.raises(ConfigurationError, match=r"chmod 600"):
            settings.signing_key()

    def test_a_kept_key_that_is_weak_or_cannot_be_made_is_refused(self, load: Load, tmp_path: Path) -> None:
        settings = load()
        settings.signing_key()
        (settings.data_dir / "secret_key").write_text("changeme")
        with pytest.raises(ConfigurationError, match="weak key"):
            settings.signing_key()
        (tmp_path / "file").touch()
        with pytest.raises(ConfigurationError, match=r"or set SECRET_KEY"):
            load(env={"AI_TRADER_DATA_DIR": "file/below"}).signing_key()

    def test_loading_writes_nothing(self, load: Load) -> None:
        assert not load().data_dir.exists()


def run(*arguments: str, cwd: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "HOME": str(cwd), **env}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=clean, capture_output=True, text=True, timeout=60, check=False
    )


class TestChildren:
    def test_a_child_elsewhere_loads_the_same_settings(self, load: Load, tmp_path: Path) -> None:
        settings = load(
            "trade: {seed: 9}\naccounts: [{id: a, roll_over: '17:00:00', position_limit: '1.10'}]\n"
            "bots: [{account: a, health_url: 'http://h:1'}]\ndashboards: {system: {process_filter: [x]}}\n",
            f"DATABASE_URL=postgresql://u:{CANARY}@h/n\nSECRET_KEY={STRONG}\nREDIS_URL=redis://:{CANARY}@r\n",
            overrides={"dashboards.trading.port": 8111},
        )
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / ".env").write_text("DB_HOST=another\nnonsense\n")
        environment = {"TRADING_DASHBOARD_PORT": "9", **settings.child_environment()}
        assert load_settings(env=environment, cwd=elsewhere) == settings

        program = "import json; from main.config import load_settings as l; print(json.dumps(l().child_environment()))"
        child = run("-c", program, cwd=elsewhere, env={"PYTHONPATH": str(ROOT / "src"), **environment})
        assert child.stderr == ""
        assert json.loads(child.stdout) == settings.child_environment()

    def test_what_a_child_is_handed_is_weaker_than_its_own_command_line(self, load: Load, tmp_path: Path) -> None:
        handed = load(overrides={"dashboards.trading.port": 8111}).child_environment()
        settings = load_settings({"dashboards.trading.port": 8112}, env=handed, cwd=tmp_path)
        assert settings.dashboards.trading.port == 8112

    def test_settings_made_by_hand_can_be_handed_over_too(self, tmp_path: Path) -> None:
        settings = Settings(data_dir=tmp_path / "d", log_dir=tmp_path / "l", database=DatabaseSettings(host="h"))
        assert load_settings(env=settings.child_environment(), cwd=tmp_path) == settings

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"dashboards": {"prot": 1}}'])
    def test_a_broken_handover_is_a_mistake(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(ConfigurationError, match="parent process"):
            load_settings(env={"AI_TRADER_SETTINGS": text}, cwd=tmp_path)

    def test_loading_stays_light(self, tmp_path: Path) -> None:
        heavy = ["pandas", "numpy", "dash", "plotly", "asyncpg", "fastapi", "rich", "typer"]
        program = f"import sys, main.config; print([name for name in {heavy} if name in sys.modules])"
        assert run("-c", program, cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "src")}).stdout.strip() == "[]"


class TestConfigCheck:
    SCRIPT = str(ROOT / "ai_trader.py")

    def test_it_prints_every_setting_with_its_source_and_no_secret(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text(f"DB_HOST=db\nDB_PASSWORD={CANARY}\n")
        done = run(self.SCRIPT, "config", "check", cwd=tmp_path, env={"MANAGER_PORT": "8153"})
        assert (done.returncode, done.stderr) == (0, "")
        assert re.search(r"^database.password +\*{8} +\.env:2 DB_PASSWORD$", done.stdout, re.MULTILINE)
        assert re.search(r"^manager.port +8153 +environment MANAGER_PORT$", done.stdout, re.MULTILINE)
        assert re.search(r"^worker.port +8054 +default$", done.stdout, re.MULTILINE)
        assert CANARY not in done.stdout

    @pytest.mark.parametrize("before", [True, False], ids=["before the command", "behind it"])
    def test_every_problem_is_one_line_on_stderr_and_the_code_is_2(self, tmp_path: Path, before: bool) -> None:
        (tmp_path / "my.yaml").write_text("manager:\n  prot: 1\nworker:\n  port: 0\n")
        option, command = ["--config-file", "my.yaml"], ["config", "check"]
        done = run(self.SCRIPT, *(option + command if before else command + option), cwd=tmp_path, env={})
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.splitlines() == [
            'my.yaml:2 manager.prot: got an unknown key, expected one of port; did you mean "port"?',
            "my.yaml:4 worker.port: got 0, expected a port from 1 to 65535",
        ]

    @pytest.mark.parametrize(
        ("yaml", "told"),
        [
            ("trade: {feed: smi}", 'unknown feed "smi"; did you mean "sim"?'),
            ("trade: {broker: papr}", 'unknown broker "papr"; did you mean "paper"?'),
            ("accounts: [{id: A, strategy: market_taker}]", 'unknown strategy "market_taker"; did you mean'),
        ],
    )
    def test_a_name_that_no_registry_knows_is_a_mistake(self, tmp_path: Path, yaml: str, told: str) -> None:
        (tmp_path / "my.yaml").write_text(yaml)
        done = run(self.SCRIPT, "config", "check", "--config-file", "my.yaml", cwd=tmp_path, env={})
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(told)

    def test_unknown_commands_and_options_end_with_2_and_no_traceback(self, tmp_path: Path) -> None:
        for arguments in (["confg"], ["config", "check", "--nope"]):
            done = run(self.SCRIPT, *arguments, cwd=tmp_path, env={})
            assert done.returncode == 2
            assert "Traceback" not in done.stderr

    def test_help_loads_nothing_heavy(self, tmp_path: Path) -> None:
        program = (
            "import sys; from main.cli.app import main; code = main(['--help'])\n"
            "print(code, [n for n in 'pandas dash asyncpg pydantic yaml psutil asyncio'.split() if n in sys.modules])"
        )
        done = run("-c", program, cwd=tmp_path, env={"PYTHONPATH": str(ROOT / "src")})
        assert done.stdout.splitlines()[-1] == "0 []"


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield from (model, *(each for sub in model.__subclasses__() for each in models(sub)))


def test_every_section_is_closed_and_unchangeable() -> None:
    for model in models(BaseModel):
        if model.__module__ == "main.config.settings":
            assert (model.model_config.get("extra"), model.model_config.get("frozen")) == ("forbid", True), model


def test_what_waits_for_one_database_is_kept_apart_from_what_waits_for_another(tmp_path: Path) -> None:
    def folder(**environment: str) -> Path:
        return load_settings(env={"AI_TRADER_DATA_DIR": str(tmp_path), **environment}, cwd=tmp_path).spool_folder

    own = folder(DB_HOST="db.example.org", DB_NAME="live")
    assert folder() == tmp_path / "spool" / "embedded"
    assert len({folder(), own, folder(DB_HOST="db.example.org"), folder(DB_HOST="db.example.org", DB_PORT="6000")}) == 4
    assert folder(DATABASE_URL="postgresql://somebody:secret@db.example.org/live") == own
    assert folder(DB_HOST="/var/run/postgresql").parent == tmp_path / "spool"
