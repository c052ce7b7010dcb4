"""Who asks for a page."""

import hmac
from dataclasses import dataclass
from hashlib import sha256

from infradb.operations.people import Person


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a browser: a person who may come in, or nobody yet."""

    person: Person | None
    secret: str
    """What only this browser has: its session, or a cookie made for its forms."""

    is_new: bool = False
    """Whether the browser still has to be given the secret."""

    @property
    def csrf(self) -> str:
        """Return what a form must carry to be this browser's own; it follows from the secret and outlives a restart."""
        return hmac.new(self.secret.encode("utf-8", "replace"), b"infradb form", sha256).hexdigest()

    @property
    def signed_in(self) -> bool:
        """Tell whether the person signed in, rather than being let in unasked."""
        return bool(self.person and self.person.name)
