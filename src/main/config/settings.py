"""Every setting, with its kind and default; `config/dashboards.yaml` explains each of them to the user."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from main.config import database_url, kinds
from main.config.description import Described, Provenance, describe
from main.config.environment import HANDOVER
from main.config.folders import user_data_folder
from main.config.pages import PageSettings
from main.config.provenance import Key, Origin, dotted, nearest_origin, parsed
from main.config.signing_key import kept_key
from main.errors import Problem


class Section(BaseModel):
    """A group of settings: unchangeable, and closed to keys that nothing reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TradingDashboardSettings(Section):
    """The trading dashboard."""

    port: kinds.Port = 8080
    update_interval: kinds.Interval = 5.0  # seconds
    max_positions: kinds.Count = 50
    chart_history_days: kinds.Days = 30
    public_url: kinds.WebAddress | None = None


class SystemDashboardSettings(Section):
    """The system dashboard."""

    port: kinds.Port = 8052
    update_interval: kinds.Interval = 5.0  # seconds
    metrics_retention: kinds.Period = 3600  # seconds; never less than an hour (database.retention)
    process_filter: tuple[kinds.Text, ...] = ("python", "postgres", "redis")
    public_url: kinds.WebAddress | None = None


class MonitoringDashboardSettings(Section):
    """The single-page wallboard."""

    port: kinds.Port = 8000
    update_interval: kinds.Interval = 60.0  # seconds
    public_url: kinds.WebAddress | None = None


class DashboardsSettings(Section):
    """All dashboards, and the address they listen on."""

    host: kinds.HostName = "127.0.0.1"
    trading: TradingDashboardSettings = TradingDashboardSettings()
    system: SystemDashboardSettings = SystemDashboardSettings()
    monitoring: MonitoringDashboardSettings = MonitoringDashboardSettings()


class ManagerSettings(Section):
    """The supervisor of the dashboards: the port of its probes and metrics."""

    port: kinds.Port = 8053


class WorkerSettings(Section):
    """The worker: the port of its probes and metrics."""

    port: kinds.Port = 8054


class TradeSettings(Section):
    """The bot that `trade` runs. Names of feed, broker and strategy are looked up by their registries, not here."""

    feed: kinds.Text = "sim"
    broker: kinds.Text = "paper"
    strategy: kinds.Text | None = None  # the account's own, else the feed's usual one
    account: kinds.AccountList | None = None  # several: separated by commas; None: the feed's usual ones
    interval: kinds.Interval = 3.0  # seconds
    seed: kinds.Seed = 1
    speed: kinds.Speed | None = None  # bars a second; None: a year of daily bars a minute
    health_port: kinds.Port = 8090
    history_days: kinds.HistoryDays = 120
    symbols: tuple[kinds.Text, ...] = ()
    jsonl: kinds.Folder | None = None


class AccountSettings(Section):
    """What the user says about one account; None leaves it to the feed or the broker."""

    id: kinds.Account
    label: kinds.Text | None = None
    strategy: kinds.Text | None = None
    benchmark: kinds.Text | None = None
    initial_deposit: kinds.Limit = Decimal(100_000)  # what a paper account begins with, in its currency
    currency: kinds.Currency | None = None
    periods_per_year: kinds.PeriodsPerYear | None = None
    zone: kinds.Zone | None = None
    roll_over: kinds.RollOver | None = None
    daily_loss_limit: kinds.Limit = Decimal(5000)
    position_limit: kinds.Limit | None = None
    leverage_limit: kinds.Limit | None = None


class BotSettings(Section):
    """A bot to be watched by its health server."""

    account: kinds.Account
    health_url: kinds.WebAddress


class AlpacaSettings(Section):
    """How the Alpaca broker is reached; its paper endpoint unless said otherwise."""

    key_id: kinds.Password | None = None
    secret_key: kinds.Password | None = None
    url: kinds.WebAddress = "https://paper-api.alpaca.markets"


class CcxtSettings(Section):
    """How exchanges are reached through ccxt: at `url` instead of their own address, for proxies and tests."""

    url: kinds.WebAddress | None = None


class RetentionSettings(Section):
    """How long recorded data is kept; what is not named here, such as fills, trades and equity, is kept for ever."""

    market_snapshots_days: kinds.Days = 30  # their minutes, hours and days stay
    system_events_days: kinds.Days = 90


class DatabaseSettings(Section):
    """Where PostgreSQL answers; without a host the embedded one is used. DATABASE_URL is taken apart into these.

    Of several hosts the one that can be written is used: a primary and the standbys that may take over from it.
    """

    host: kinds.DatabaseHosts | None = None
    port: kinds.DatabasePorts = 5432  # one for all hosts, or as many as there are hosts
    name: kinds.Text = "ai_trader"
    user: kinds.Text = "ai_trader"
    password: kinds.Password | None = None
    tls: kinds.TlsMode = "prefer"
    direct_url: kinds.DatabaseAddress | None = None
    connect_timeout: kinds.Interval = 5.0  # seconds
    statement_timeout: kinds.Interval = 10.0  # seconds
    pool_size: kinds.PoolSize = 8

    @property
    def embedded(self) -> bool:
        """Whether no server is named, so that the embedded PostgreSQL is used."""
        return self.host is None

    @model_validator(mode="after")
    def _has_a_port_for_each_host(self) -> Self:
        ports = str(self.port).count(",") + 1
        if ports not in (1, str(self.host or "").count(",") + 1):
            raise PydanticCustomError(kinds.EXPECTED, "one port for all hosts, or one for each of them")
        return self

    @property
    def places(self) -> tuple[tuple[str, int], ...]:
        """Host and port of every server that may be the one to write to; none for the embedded database."""
        hosts = self.host.split(",") if self.host else []
        ports = [int(port) for port in str(self.port).split(",")]
        return tuple(zip(hosts, ports if len(ports) > 1 else ports * len(hosts), strict=True))

    @property
    def direct(self) -> Self:
        """The same database past a connection pooler, for LISTEN, migrations and advisory locks."""
        if self.direct_url is None:
            return self
        parts = database_url.parts(self.direct_url.get_secret_value())
        if "password" in parts:
            parts["password"] = SecretStr(parts["password"])
        if "," in str(self.port):  # those are of the hosts that the URL replaces
            parts.setdefault("port", 5432)
        return self.model_copy(update=parts)


class Settings(BaseSettings):
    """The effective settings of one process; made by `load_settings`, never changed."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    dashboards: DashboardsSettings = DashboardsSettings()
    manager: ManagerSettings = ManagerSettings()
    worker: WorkerSettings = WorkerSettings()
    trade: TradeSettings = TradeSettings()
    alpaca: AlpacaSettings = AlpacaSettings()
    ccxt: CcxtSettings = CcxtSettings()
    accounts: tuple[AccountSettings, ...] = ()
    bots: tuple[BotSettings, ...] = ()
    retention: RetentionSettings = RetentionSettings()
    pages: tuple[PageSettings, ...] = ()
    alerts: kinds.EmptyList = ()
    connectors: kinds.EmptyList = ()
    database: DatabaseSettings = DatabaseSettings()
    data_dir: kinds.Folder = Field(default_factory=user_data_folder)
    log_dir: kinds.Folder = Field(default_factory=lambda: Path.cwd() / "logs")
    secret_key: kinds.StrongSecret | None = None
    redis_url: kinds.ResourceAddress | None = None

    _provenance: Provenance = PrivateAttr(default_factory=Provenance)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: object, **__: object
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values only as given: the library's own sources know neither lines nor several problems at once."""
        return (init_settings,)

    @classmethod
    def of(cls, values: dict[str, Any], provenance: Provenance) -> Self:
        """Return the settings these nested values make, remembering where they come from.

        Raises pydantic's ValidationError.
        """
        settings = cls.model_validate(values)
        settings._provenance = provenance
        return settings

    def account(self, account_id: str) -> AccountSettings:
        """Return what the user says about an account; the defaults where it is not listed."""
        return next((each for each in self.accounts if each.id == account_id), AccountSettings(id=account_id))

    def located(self, problem: Problem, above: Key) -> Problem:
        """Return a problem that only the reader of a value finds, at its line; the key is below `above`."""
        key = (*above, *parsed(problem.key))
        origin = nearest_origin(key, self._provenance.layers) or Origin("")
        return origin.problem(problem.got, problem.expected, key=dotted(key), hint=problem.hint)

    @property
    def spool_folder(self) -> Path:
        """Where events wait for the database that is named: those of one must never go into another."""
        database = self.database
        name = "embedded" if database.host is None else f"{database.host}-{database.port}-{database.name}"
        return self.data_dir / "spool" / re.sub(r"[^A-Za-z0-9.-]", "_", name)

    def signing_key(self) -> str:
        """Return SECRET_KEY, or the key kept in the data folder, which is made now if it is not there yet.

        Raises ConfigurationError when the key can neither be read nor written, or is a weak one.
        """
        return self.secret_key.get_secret_value() if self.secret_key else kept_key(self.data_dir)

    def child_environment(self) -> dict[str, str]:
        """Return what a child needs in its environment, beside our own, to load exactly these settings.

        It holds the secrets: hand it over as an environment, never as arguments, and never log it.
        """
        values = self.model_dump(exclude_defaults=True) | {"data_dir": self.data_dir, "log_dir": self.log_dir}
        return {HANDOVER: json.dumps(values, default=_plain)}

    def describe(self) -> Iterator[Described]:
        """Yield key, value (secrets masked) and source of every setting, in the order of the configuration file."""
        return describe(self, self._provenance)


def _plain(value: object) -> object:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case timedelta():
            return value.total_seconds()
        case _:
            return str(value)
