"""Secrets are masked by pattern and by value, and ordinary words are not."""

import pytest

from main.config import load_settings
from main.telemetry.redaction import Redactor, is_secret_name, secrets_of


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://me:hunter2@db:5432/x", "postgresql://me:***@db:5432/x"),
        ("redis://:hunter2@cache:6379/0", "redis://:***@cache:6379/0"),
        ("password=hunter2 host=db", "password=*** host=db"),
        ("DB_PASSWORD: hunter2", "DB_PASSWORD: ***"),
        ('{"password": "hunter2", "user": "me"}', '{"password": "***", "user": "me"}'),
        ("{'api_key': 'hunter2'}", "{'api_key': '***'}"),
        ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer ***"),
        ("GET /ws?token=hunter2&view=1", "GET /ws?token=***&view=1"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, shown: str) -> None:
    assert Redactor()(text) == shown
    assert Redactor()(shown) == shown


@pytest.mark.parametrize(
    "text", ["password authentication failed for user x", "http://localhost:8080/a@b", "token expired", "10:00:00"]
)
def test_ordinary_words_stay(text: str) -> None:
    assert Redactor()(text) == text


def test_known_secrets_are_masked_wherever_they_stand_longest_first() -> None:
    redact = Redactor(["correct horse", "correct horse battery", "abc"])
    assert redact("x correct horse battery y correct horse z abc") == "x *** y *** z abc"


def test_names_of_secrets_are_recognised() -> None:
    assert all(map(is_secret_name, ("password", "DB_PASSWORD", "secret_key", "api-key", "access_token")))
    assert not any(map(is_secret_name, ("pid", "port", "reason")))


def test_the_secrets_of_the_settings_are_their_password_key_and_addresses() -> None:
    env = {"DB_HOST": "db", "DB_PASSWORD": "hunter2-in-settings", "HOME": "/nowhere"}
    assert secrets_of(load_settings(env=env)) == ("hunter2-in-settings",)
