"""Every error that infradb raises on purpose.

InfradbError
    UsageError              the call does not say what it must
    SettingsError           the settings are wrong
    NotFound                no such thing
    Ambiguous               a name that several things have
    Conflict                what is asked for contradicts what is there
    InvalidValue            a value that its field does not take
    BeforeHistory           a question about a time before the first kept change
    CollectionError         a source could not be read
        SourceUnreachable   no connection
        SourceRefused       credentials or permissions
        SourceMalformed     the answer was not what the parser expects
    ImportRefused           the file is not what the importer reads
    StoreError              the database is unusable
        DatabaseMissing     there is none where it was looked for
        DatabaseForeign     the file is no infradb database
        DatabaseNewer       made by a newer infradb
        DatabaseLocked      somebody else writes for too long
        DatabaseFull        no space left
        ChainBroken         the change log was altered
"""


class InfradbError(Exception):
    """Base of all errors: a sentence, a stable code, and what the reader can do about it."""

    code = "error"
    hint = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint or self.hint


class UsageError(InfradbError):
    """The call does not say what it must."""

    code = "usage"


class SettingsError(InfradbError):
    """The settings are wrong."""

    code = "settings"


class NotFound(InfradbError):
    """No such thing."""

    code = "not-found"


class Ambiguous(InfradbError):
    """A name that several things have; the message lists them with their kinds."""

    code = "ambiguous"
    hint = "name it as KIND/NAME, or by its id or uid"


class Conflict(InfradbError):
    """What is asked for contradicts what is there."""

    code = "conflict"


class InvalidValue(InfradbError):
    """A value that its field does not take."""

    code = "invalid-value"


class BeforeHistory(InfradbError):
    """A question about a time before the first kept change."""

    code = "before-history"
    hint = "ask for a later time; `infradb changes` shows where the history starts"


class CollectionError(InfradbError):
    """A source could not be read."""

    code = "collection"
    status: int | None = None
    """HTTP status, where the source answered with one that says no."""


class SourceUnreachable(CollectionError):
    """No connection to the source."""

    code = "source-unreachable"


class SourceRefused(CollectionError):
    """The source answered that we may not read it."""

    code = "source-refused"


class SourceMalformed(CollectionError):
    """The source answered something that its parser does not understand."""

    code = "source-malformed"


class ImportRefused(InfradbError):
    """The file is not what the importer reads."""

    code = "import-refused"


class StoreError(InfradbError):
    """The database is unusable."""

    code = "store"


class DatabaseMissing(StoreError):
    """There is no database where it was looked for."""

    code = "database-missing"
    hint = "`infradb up` or `infradb discover` makes one; --database says where"


class DatabaseForeign(StoreError):
    """The file is no infradb database."""

    code = "database-foreign"
    hint = "give another path; an old infrastructure database is read by `infradb import infrastructure-db FILE`"


class DatabaseNewer(StoreError):
    """The database was made by a newer infradb."""

    code = "database-newer"
    hint = "upgrade infradb, or restore a backup that this version made"


class DatabaseLocked(StoreError):
    """Another process writes, and did not finish in time."""

    code = "database-locked"
    hint = "wait for the other infradb to finish (`infradb doctor` names it), then try again"


class DatabaseFull(StoreError):
    """No space is left where the database lies; what was there before is intact."""

    code = "database-full"
    hint = "free some space (`infradb prune` helps), then try again; nothing was half-written"


class ChainBroken(StoreError):
    """The change log was altered outside infradb; the message names the first broken link."""

    code = "chain-broken"
    hint = "restore a backup from before that change, or find out who edited the file"
