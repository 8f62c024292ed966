"""Are the settings right, and is the key that signs sessions a strong one?"""

from main.config.signing_key import FILE, kept_key
from main.diagnosis.finding import Finding, failed, passed, skipped
from main.diagnosis.situation import Situation
from main.errors import ConfigurationError, Problem, UnknownName
from main.trading.choice import check_names


def configuration(situation: Situation) -> list[Finding]:
    """Name every mistake in the settings."""
    if situation.settings is None:
        return [_told(problem) for problem in situation.problems]
    try:
        check_names(situation.settings)
    except UnknownName as error:
        return [failed("configuration", error.message, "correct the name; see: ai_trader.py config check")]
    database = situation.settings.database
    where = "embedded database" if database.embedded else f"database at {database.host}"
    return [passed("configuration", f"no mistakes; {where}")]


def signing_key(situation: Situation) -> list[Finding]:
    """Judge the secret key; nothing is made."""
    settings = situation.known
    if settings.secret_key is not None:
        return [passed("secret key", "SECRET_KEY is set and strong")]  # a weak one is a mistake in the settings
    path = settings.data_dir / FILE
    if not path.exists():
        return [skipped("secret key", f"none yet: the first start that needs one makes {path}")]
    try:
        kept_key(settings.data_dir)
    except ConfigurationError as error:
        return [_told(problem, "secret key") for problem in error.problems]
    return [passed("secret key", f"kept in {path}, for its owner only; replicas need one SECRET_KEY for all")]


def _told(problem: Problem, check: str = "configuration") -> Finding:
    place = f"{problem.file}:{problem.line}" if problem.file and problem.line is not None else problem.file
    where = " ".join(part for part in (place, problem.key) if part)
    expected = f"{problem.key}: expected {problem.expected}" if problem.key else f"expected {problem.expected}"
    fix = "; ".join(part for part in (expected, problem.hint) if part)
    return failed(check, f"{where}: got {problem.got}" if where else f"got {problem.got}", fix)
