"""Which checks are there, in the order in which one finding explains the next?"""

from main.diagnosis import (
    clocks,
    configuration,
    connections,
    database_reach,
    installation,
    notifications,
    places,
    ports,
    recent,
    roles,
    row_security,
    running,
    schema,
    spooled,
)
from main.diagnosis.examination import Check, off_loop

CHECKS = (
    Check("Python", off_loop(installation.python), "nothing"),
    Check("packages", off_loop(installation.packages), "nothing"),
    Check("extras", off_loop(installation.extras), "nothing"),
    Check("configuration", off_loop(configuration.configuration), "nothing"),
    Check("secret key", off_loop(configuration.signing_key)),
    Check("folders", off_loop(places.places)),
    Check("spool", off_loop(spooled.spool), limit_seconds=30.0),
    Check("ports", off_loop(ports.ports), limit_seconds=30.0),
    Check("services", off_loop(running.services)),
    Check("database", database_reach.reach, limit_seconds=30.0),
    Check("schema", schema.schema, "database"),
    Check("roles", roles.roles, "database"),
    Check("row security", row_security.row_security, "schema", limit_seconds=60.0),
    Check("clock", clocks.this_machine, "database"),
    Check("bots' clocks", clocks.bots, "schema"),
    Check("connections", connections.connections, "database"),
    Check("notifications", notifications.notifications, "database"),
    Check("dead letters", recent.dead_letters, "schema"),
    Check("worker's jobs", recent.jobs, "schema"),
    Check("bots", recent.heartbeats, "schema"),
    Check("audit chain", recent.audit, "nothing"),
)
