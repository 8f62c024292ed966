"""Secrets are masked by pattern and by value, and ordinary words are not."""

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from main.config import load_settings
from main.telemetry.redaction import MASK, Redactor, is_secret_name, secrets_of


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
        ("postgresql://me:p@ss@db/x", "postgresql://me:***@db/x"),
        ("password='with spaces and \\' a quote' host=db", "password='***' host=db"),
        ('{"password": "with \\" a quote, and more", "a": 1}', '{"password": "***", "a": 1}'),
        (r'"said {\"password\": \"with spaces\", \"a\": 1}"', r'"said {\"password\": \"***\", \"a\": 1}"'),
        ("password='never closed", "password='***"),
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


@pytest.mark.parametrize("secret", ['p\'w "x" @/:%', "päss wörd", "back\\slash", "tab\tand\nline"])
def test_a_known_secret_is_masked_however_it_is_spelt(secret: str) -> None:
    address = f"postgresql+x {quote(secret)} {quote(secret, safe='')} {quote_plus(secret)}"
    texts = (secret, repr(secret), repr({"a": secret}), json.dumps({"a": secret}), address)
    for text in texts:
        masked = Redactor([secret])(text)
        for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]):
            assert form not in masked


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=20))
def test_a_masked_json_line_shows_nothing_of_the_secret(secret: str) -> None:
    line = json.dumps({"event": "x", "settings": json.dumps({"password": secret}), "error": f"no {secret!r} here"})
    assert secret not in Redactor([secret])(line).replace(MASK, "")


def test_masking_a_long_hostile_line_takes_no_time() -> None:
    for text in ('password="' * 4_000, "a://" * 8_000, "token: \\" * 4_000, "password=" + "\\" * 30_000):
        assert len(Redactor(["some known secret"])(text)) < 70_000


def test_names_of_secrets_are_recognised() -> None:
    assert all(map(is_secret_name, ("password", "DB_PASSWORD", "secret_key", "api-key", "access_token")))
    assert not any(map(is_secret_name, ("pid", "port", "reason")))


def test_the_secrets_of_the_settings_are_their_password_key_and_addresses() -> None:
    env = {"DB_HOST": "db", "DB_PASSWORD": "hunter2-in-settings", "HOME": "/nowhere"}
    assert secrets_of(load_settings(env=env)) == ("hunter2-in-settings",)
    direct = "postgresql://me:of%20another@db/x"
    assert "of another" in secrets_of(load_settings(env=env | {"DATABASE_DIRECT_URL": direct}))
