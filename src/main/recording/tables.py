"""Where does each class of event go: its table, its columns, and the SQL that merges a batch into it?"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from operator import attrgetter
from types import NoneType
from typing import get_args, get_type_hints

from main.domain.events import (
    Account,
    Alert,
    BrokerSnapshot,
    Candle,
    CashFlow,
    DailyStats,
    Equity,
    Event,
    Fill,
    FxRate,
    Heartbeat,
    IndexLevel,
    Instrument,
    MarketSnapshot,
    Metric,
    Model,
    ModelPerformance,
    ModelPrediction,
    Order,
    OrderEvent,
    PipelineRun,
    Position,
    SystemEvent,
    Trade,
)
from main.domain.topics import Announcement, Topic
from main.errors import RecordRejected
from main.recording.columns import column_of
from main.recording.encoding import encoder_of

FACT_KEY = ("account_id", "source", "source_id", "revision")


class EventTable:
    """One class of event and the table its rows go to.

    A batch is copied into a temporary table of the connection and merged from there: COPY has no ON CONFLICT, and is
    refused on tables with row-level security.
    """

    def __init__(
        self,
        event: type[Event],
        *,
        key: tuple[str, ...] = (),
        renamed: Mapping[str, str] | None = None,
        constants: Mapping[str, str] | None = None,
    ) -> None:
        """Describe a table: its `key` (default: of the state, else of facts), fields whose column has another name,
        and columns that always get the same text from this writer."""
        hints = get_type_hints(event)
        names = tuple(spec.name for spec in fields(event))
        columns = {"account": "account_id", **(renamed or {})}
        self.event = event
        self.name = event.table
        self.is_state = bool(event.replaces)
        self.columns = tuple(columns.get(name, name) for name in names)
        self.key = key or event.replaces or FACT_KEY
        self._constants = constants or {}
        self._values = attrgetter(*names)
        self._encoders = tuple((name, encoder_of(hints[name])) for name in names)
        self._encode_columns = tuple(column_of(hints[name]) for name in names)
        fields_by_column = dict(zip(self.columns, names, strict=True))
        self.key_of = attrgetter(*(fields_by_column[column] for column in self.key))
        self._has_account = "account" in names
        self._nullable = frozenset(columns.get(name, name) for name in names if NoneType in get_args(hints[name]))

    def encode(self, event: Event) -> str:
        """Return the event as a line of COPY's text format, its end not included. Raise `RecordRejected` naming the
        field that has no text."""
        cells = []
        for (name, encode), value in zip(self._encoders, self._values(event), strict=True):
            try:
                cells.append(encode(value))
            except (TypeError, ValueError, RecursionError) as error:
                raise RecordRejected(name, value, str(error)) from error
        line = "\t".join(cells)
        try:
            line.encode()
        except UnicodeEncodeError as error:
            raise RecordRejected(self.name, event, "expected well-formed Unicode, without lone surrogates") from error
        return line

    def encode_all(self, events: Sequence[Event]) -> list[str]:
        """Return what `encode` returns for each, several times faster. Whatever it raises, `encode` says of which."""
        columns = zip(*map(self._values, events), strict=True)
        cells = [encode(column) for encode, column in zip(self._encode_columns, columns, strict=True)]
        return list(map("\t".join, zip(*cells, strict=True)))

    def account_of(self, event: Event) -> str | None:
        """Return the account an event belongs to, ``None`` for one of no account."""
        account: str | None = getattr(event, "account", None)
        return account

    def announcement(self, event: Event) -> Announcement:
        """Return what is announced after the event's commit. Prices belong to a source: they name no account."""
        return Announcement(self.event.topic, None if self.event.topic is Topic.MARKET else self.account_of(event))

    @cached_property
    def incoming(self) -> str:
        """The name of the temporary table."""
        return f"incoming_{self.name}"

    @cached_property
    def incoming_columns(self) -> tuple[str, ...]:
        """The columns of the temporary table. A state's versions of one batch are merged in rounds, oldest first."""
        return (*self.columns, "round") if self.is_state else self.columns

    @cached_property
    def create_incoming(self) -> str:
        """The statement that makes the temporary table."""
        columns = ", ".join(self.columns) + (", 0 AS round" if self.is_state else "")
        return (
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {self.incoming} ON COMMIT DELETE ROWS AS "  # noqa: S608 - constants
            f"SELECT {columns} FROM public.{self.name} WITH NO DATA"
        )

    @cached_property
    def merge(self) -> str:
        """The statement that moves the rows over, a state's those of round $1; its tag counts those that changed the
        table.

        A fact that is there stays. A state gives way to one that is as new or newer *and* says something else: a batch
        written a second time, because the answer to its COMMIT was lost, changes nothing and adds no history.
        """
        into = ", ".join((*self.columns, *self._constants))
        constants = [f"'{text}'" for text in self._constants.values()]
        values = ", ".join((*self.columns, *constants))
        only = " WHERE round = $1" if self.is_state else ""
        statement = (
            f"INSERT INTO public.{self.name} AS stored ({into}) "  # noqa: S608 - names and texts are constants of this module
            f"SELECT {values} FROM pg_temp.{self.incoming}{only} ON CONFLICT ({', '.join(self.key)}) DO "
        )
        if not self.is_state:
            return statement + "NOTHING"
        changing = [column for column in (*self.columns, *self._constants) if column not in self.key]
        new = _row(changing, "excluded")
        return (
            f"{statement}UPDATE SET ({', '.join(changing)}) = {new} "
            f"WHERE excluded.at >= stored.at AND {_row(changing, 'stored')} IS DISTINCT FROM {new}"
        )

    @cached_property
    def forget_applied(self) -> str:
        """The statement that takes out versions of a state up to one that is stored word for word: they went before it.

        Needed where several are of the same moment, which alone does not tell old from new.
        """
        content = [column for column in self.columns if column not in self.key]
        return f"""
            DELETE FROM pg_temp.{self.incoming} AS old USING (
                SELECT {", ".join(f"incoming.{column}" for column in self.key)}, max(incoming.round) AS last
                  FROM pg_temp.{self.incoming} AS incoming JOIN public.{self.name} AS stored
                    ON {self._same("incoming", "stored")}
                 WHERE {_row(content, "incoming")} IS NOT DISTINCT FROM {_row(content, "stored")}
                 GROUP BY {", ".join(f"incoming.{column}" for column in self.key)}
            ) AS applied
             WHERE {self._same("old", "applied")} AND old.round <= applied.last
        """  # noqa: S608 - every name is a constant of this module

    @cached_property
    def report_conflicts(self) -> str:
        """The statement that reports facts stored earlier with other content as system events, and counts them.

        The report's own key is made of the refused content: seen again, it is not reported again.
        """
        content = [column for column in self.columns if column not in self.key]
        same = self._same("incoming", "stored")
        account = "account_id" if self._has_account else "NULL::text"
        return f"""
            WITH conflicting AS (
                SELECT incoming.*, to_jsonb(incoming) AS refused, to_jsonb(stored) AS kept
                  FROM pg_temp.{self.incoming} AS incoming JOIN public.{self.name} AS stored ON {same}
                 WHERE {_row(content, "incoming")} IS DISTINCT FROM {_row(content, "stored")}
            ), reported AS (
                INSERT INTO public.system_events (source, source_id, account_id, at, severity, kind, message, details)
                SELECT DISTINCT ON (refused) 'recorder',
                       'conflict:{self.name}:' || encode(sha256(convert_to(refused::text, 'UTF8')), 'hex'),
                       {account}, clock_timestamp(), 'error', 'record_conflict',
                       'An event of {self.name} came again with other content under the same key and revision; '
                       'the first one is kept. A correction needs a higher revision.',
                       jsonb_build_object('table', '{self.name}', 'refused', refused, 'kept', kept)
                  FROM conflicting
                ON CONFLICT DO NOTHING
            )
            SELECT count(*) FROM conflicting
        """  # noqa: S608 - every name is a constant of this module

    @cached_property
    def conflicting_places(self) -> str:
        """The statement that names facts stored with other content by their place among the rows copied, from 0.

        The temporary table must be fresh, or emptied by TRUNCATE: then its rows lie as they were copied.
        """
        content = [column for column in self.columns if column not in self.key]
        return f"""
            SELECT incoming.place
              FROM (SELECT row_number() OVER (ORDER BY ctid) - 1 AS place, * FROM pg_temp.{self.incoming}) AS incoming
              JOIN public.{self.name} AS stored ON {self._same("incoming", "stored")}
             WHERE {_row(content, "incoming")} IS DISTINCT FROM {_row(content, "stored")}
             ORDER BY incoming.place
        """  # noqa: S608 - every name is a constant of this module

    def _same(self, one: str, other: str) -> str:
        return " AND ".join(
            f"({one}.{column} = {other}.{column} OR {one}.{column} IS NULL AND {other}.{column} IS NULL)"
            if column in self._nullable
            else f"{one}.{column} = {other}.{column}"
            for column in self.key
        )


def _row(columns: list[str], table: str) -> str:
    return "(" + ", ".join(f"{table}.{column}" for column in columns) + ")"


_IN_ORDER = (  # accounts first: the others refer to them
    EventTable(Account),
    EventTable(Instrument),
    EventTable(Order),
    EventTable(OrderEvent),
    EventTable(Fill),
    EventTable(Position),
    EventTable(Trade, renamed={"at": "exit_time"}),
    EventTable(CashFlow),
    EventTable(DailyStats, constants={"origin": "bot"}),
    EventTable(Equity, key=(*FACT_KEY, "at")),
    EventTable(MarketSnapshot, key=("source", "symbol", "at", "revision")),
    EventTable(FxRate, key=("source", "base", "quote", "at", "revision")),
    EventTable(Candle, key=("source", "symbol", "interval", "at", "revision")),
    EventTable(IndexLevel, key=("source", "name", "at", "revision")),
    EventTable(Model),
    EventTable(ModelPrediction, key=("source", "source_id", "revision")),
    EventTable(ModelPerformance, key=("source", "model", "version", "at", "revision")),
    EventTable(PipelineRun),
    EventTable(Metric, key=("source", "name", "account_id", "at", "revision")),
    EventTable(BrokerSnapshot),
    EventTable(Heartbeat),
    EventTable(SystemEvent, key=("source", "source_id", "revision")),
    EventTable(Alert),
)

TABLES: Mapping[type[Event], EventTable] = {table.event: table for table in _IN_ORDER}
"""The table of every class of event, in the order in which they are written."""

ORDER: Mapping[type[Event], int] = {event: place for place, event in enumerate(TABLES)}
"""The place of every class of event in that order."""
