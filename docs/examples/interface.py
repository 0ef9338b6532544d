"""What both sides share: the interface, its data and its error. It needs service-core and nothing else."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel, Field

from service_core import Component, ErrorCode, Service, component, idempotent, raises, service
from service_core.rest import get, post, rest


@dataclass(frozen=True)
class WordCount:
    word: str
    count: int


@dataclass(frozen=True)
class Statistics:
    lines: int
    words: int
    reading_time: timedelta
    most_frequent: list[WordCount]


class Document(BaseModel):
    name: str
    changed: datetime
    sha256: bytes
    statistics: Statistics


class Query(BaseModel):
    text: str = Field(min_length=2)
    limit: int = Field(default=3, ge=1, le=100)


class Hit(BaseModel):
    document: str
    line: int
    text: str


@dataclass
class DocumentNotFound(Exception):
    code: ClassVar[ErrorCode] = ErrorCode.NOT_FOUND
    name: str
    similar: list[str]


@service(description="facts about a folder of documents")
@rest("/library")
class LibraryService(Service):
    @abstractmethod
    @get("/documents")
    def documents(self) -> list[str]:
        """The names of all documents."""

    @abstractmethod
    @get("/documents/{name}")
    @raises(DocumentNotFound)
    def describe(self, name: str, *, top: int = 3) -> Document:
        """One document with its statistics and its ``top`` most frequent words."""

    @abstractmethod
    @get("/documents/{name}/lines")
    @raises(DocumentNotFound)
    def lines(self, name: str) -> Iterator[str]:
        """The lines of one document, as a stream."""

    @abstractmethod
    @post("/search")
    @idempotent
    async def search(self, query: Query) -> list[Hit]:
        """The lines that contain the text."""


@component(services=[LibraryService])
class LibraryComponent(Component):
    """What is deployed together."""
