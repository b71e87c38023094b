"""One tree of errors, shared by both halves.

Every message is one sentence (or two) that names the file, URL or value and
what can be done about it. ``str(error)`` is that message and nothing else.
"""

from datetime import date


class ShoestringError(Exception):
    """Base of every error that this project raises on purpose.

    Attributes:
        exit_code: What the command line ends with.
    """

    exit_code = 1


class ConfigError(ShoestringError):
    """The configuration can't be used as it is: a key, a pattern or a value is wrong."""

    exit_code = 78  # EX_CONFIG of sysexits.h


class SourceError(ShoestringError):
    """A source file of the builder can't be used. The others are built all the same."""


class PublishError(ShoestringError):
    """The site's folder can't be written: no room, no permission, no folder."""

    exit_code = 73  # EX_CANTCREAT


class LostWorkerError(PublishError):
    """Workers died, or can't be reached or used. What is finished stays for the next run."""

    exit_code = 71  # EX_OSERR


class BusyError(PublishError):
    """Another builder is at work on the site: nothing is wrong, and later is soon enough."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: try again later


class CatalogueError(ShoestringError):
    """A catalogue, or a file that it names, is not what the contract says."""


class TransferError(ShoestringError):
    """Bytes did not arrive.

    Attributes:
        passing: Whether trying again later may help (an overloaded server, a cut line).
        retry_after: Seconds that the server asked to wait, if it did.
    """

    def __init__(
        self, message: str, *, passing: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.passing = passing
        self.retry_after = retry_after


class OfflineError(TransferError):
    """Nothing may be fetched, and the cache does not hold what is asked for.

    Attributes:
        dates: The dates that it lacks, where dates were asked for.
    """

    def __init__(self, message: str, dates: tuple[date, ...] = ()) -> None:
        super().__init__(message)
        self.dates = dates


class CacheError(ShoestringError):
    """The cache's folder can't be used. Reading goes on without it.

    Attributes:
        damaged: Whether its file is no database, or not one of a cache.
    """

    def __init__(self, message: str, *, damaged: bool = False) -> None:
        super().__init__(message)
        self.damaged = damaged


class CacheWarning(UserWarning):
    """Nothing is kept, or nothing found, in the cache; the reason is in its message."""


class RoiError(ShoestringError):
    """The region of interest can't be used: empty, broken, or outside of the grid."""


class SelectionError(ShoestringError):
    """No such collection, band or date, or more than fits into memory."""


class UnknownNameError(SelectionError, KeyError):
    """No collection, band or date of this name: also a `KeyError`, as mappings promise."""

    __str__ = Exception.__str__  # KeyError would show the sentence in quotes


class OutputError(ShoestringError):
    """A result can't be written where it was asked for."""


class MissingExtraError(ShoestringError):
    """An optional package is needed for this and is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs more packages: pip install "shoestring[{extra}]".')
