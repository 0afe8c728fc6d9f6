"""`Letter`: what a made-up document says, before it has a format."""

from dataclasses import dataclass
from datetime import datetime

from felles.demo.communities import Community, Person, Professional


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a document says.

    Parameters
    ----------
    id
        Its uniqueId.
    title
        Its heading.
    sections
        Heading and text of each part.
    patient, author, community
        Whom it is about, who wrote it, and where.
    at
        When it was written, UTC.
    """

    id: str
    title: str
    sections: tuple[tuple[str, str], ...]
    patient: Person
    author: Professional
    community: Community
    at: datetime

    @property
    def head(self) -> tuple[str, ...]:
        """The lines above the text: from, patient, date."""
        return (
            f"{self.community.unit}, {self.community.place}",
            f"Pasient: {self.patient.name}, fødselsnummer {self.patient.number} (syntetisk)",
            f"Dato: {self.at:%d.%m.%Y}",
        )

    @property
    def signature(self) -> str:
        """The line below the text."""
        return f"{self.author.first} {self.author.last}, {self.author.title}"
