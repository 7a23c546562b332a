"""An open index as whoever looks after it needs it: see `upkeep.Upkeep`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ragbraid.errors import IndexDamaged, IndexLocked, InputError
from ragbraid.index import reading
from ragbraid.index.embedded import Embedded
from ragbraid.index.lock import exclusive
from ragbraid.index.store import Store, speaking
from ragbraid.types import Hit, Scope

if TYPE_CHECKING:
    from ragbraid.index.derived import Derived
    from ragbraid.index.protocol import Index
    from ragbraid.index.upkeep import CollectionStats, IndexStats, Problem, Sizes

T = TypeVar("T")
_DEFAULT = Scope()
_WAIT_SECONDS = 10.0


class Tended:
    """The part of `FaissRuntime` that looks after the whole index, whatever its collections."""

    _path: Path
    _store: Store
    _embedded: Embedded

    def snapshot(self, target: Path) -> None:
        """Write a consistent copy into a new folder while readers and the writer go on."""
        from ragbraid.index.copying import copy_index

        with self._committed() as connection:
            copy_index(self._store, connection, target)

    def sequence(self) -> str:
        """A mark of what is committed: another one after each commit."""
        with self._committed() as connection:
            query = "SELECT seq FROM sqlite_sequence WHERE name = 'log'"
            last = connection.execute(query).fetchone()
            return f"{reading.meta(connection)['uuid']}/{0 if last is None else last[0]}"

    def collections(self) -> list[str]:
        """The names of the collections that something was ever stored in, in order."""
        with self._committed() as connection:
            return [name for name, _ in reading.collections(connection)]

    def select(self, *, scope: Scope = _DEFAULT) -> list[Hit]:
        """Every chunk in scope, in the order in which they were stored."""
        with self._committed() as connection:
            number = reading.collection_id(connection, scope.collection)
            if number is None:
                return []
            rows = reading.rows_in_scope(connection, number, scope.filter or {})
            found = reading.hits(connection, self._path, scope.collection, rows)
            return [found[row] for row in rows]

    def check(self) -> list[Problem]:
        """Recover as every open does, then compare every byte with its sums; works beside a writer."""
        from ragbraid.index import keeping

        try:
            with self._committed() as connection:
                return keeping.problems(self._path, connection, self._part)
        except IndexDamaged as error:
            return [keeping.beyond_reading(error)]

    def repair(self) -> list[Problem]:
        """Rebuild what is derived, and let the next ingest read and embed again what is damaged.

        Returns what is still wrong.
        """
        from ragbraid.index import keeping

        with self._committed() as connection:
            keeping.rebuild(connection, self._part, self._path)
        with self._writing(_DEFAULT) as connection:
            keeping.forget_damaged(connection, self._path)
        return self.check()

    def stats(self) -> IndexStats:
        """How it is made and how much it holds."""
        from ragbraid.index import keeping

        with self._committed() as connection:
            return keeping.stats(connection, self._path)

    def export(self, target: Path) -> list[CollectionStats]:
        """Write documents, chunks and vectors into a new folder, as files that other programs read.

        It is one state, while readers and the writer go on. Raises `InputError` where the target exists, and
        `IndexDamaged` where something isn't what was stored.
        """
        from ragbraid.index.exporting import export

        with self._committed() as connection, speaking(target):
            return _counted(export(connection, self._path, target))

    def import_from(self, source: Path) -> list[CollectionStats]:
        """Store all that an export holds; see `importing.import_from` for what it raises."""
        from ragbraid.index.importing import import_from

        with self.alone(self._busy), speaking(source):
            return _counted(import_from(cast("Index", self), source))

    def compact(self) -> Sizes:
        """Give back the space of what was deleted; searches go on meanwhile, ingests wait.

        It takes as much free disk again as the index has. Raises `IndexLocked` while an ingest is under
        way, and where a reader keeps an older state for long.
        """
        from ragbraid.index.upkeep import Sizes

        before = sum(self.stats().bytes.values())
        self._rewrite(lambda _: None, former=False)
        return Sizes(before, sum(self.stats().bytes.values()))

    def purge(self, origins: Sequence[str], *, scope: Scope = _DEFAULT) -> int:
        """Remove origins so that no byte of what they held is left; returns how many there were.

        Neither is any of what was deleted before. Killed on the way, nothing is removed yet, or everything is
        and `stats().purging` says that bytes may be left: any further purge or compaction finishes it.
        """
        from ragbraid.index import rewriting, writing

        def remove(connection: Connection) -> int:
            rewriting.note_purge(connection, under_way=True)
            collection = reading.collection_id(connection, scope.collection)
            return 0 if collection is None else writing.remove(connection, collection, origins, scope.filter)

        return self._rewrite(remove, former=True)

    def migrate(self) -> Iterator[tuple[int, int]]:
        """Embed what is stored with this pipeline's embedder, whoever's the vectors are, then switch to it.

        Yields how many vectors are done and of how many; it goes on while it is iterated, and another time
        from where it was stopped. Searches and ingests of the former pipeline go on meanwhile. Raises
        `IndexLocked`, and `InputError` for a lexical index.
        """
        from ragbraid.index.migrating import Migration

        embedder = self._embedded.demand_embedder()
        with self._committed():
            pass
        migration = Migration(
            self._path, embedder, self._committed, self._alone_at_once, self._embedded.build
        )
        yield from migration.run()

    def undo_migration(self) -> str:
        """Give up a migration, or switch back to the embedder before; whose vectors are current then."""
        from ragbraid.index.migrating import undo

        with self._committed():
            pass
        with self._alone_at_once() as connection:
            return undo(connection, self._path)

    @contextmanager
    def _alone_at_once(self) -> Iterator[Connection]:
        """The writer's transaction, where nothing is to follow it."""
        lock = self._path / "writer.lock"
        with (
            speaking(self._path),
            exclusive(lock, _WAIT_SECONDS),
            self._store.writing() as connection,
        ):
            yield connection

    def drop(self, collection: str) -> None:
        """Take a collection out at once, however large; its space is given back by the next compaction.

        Raises `InputError` where there is none of that name, and `IndexLocked`.
        """
        from ragbraid.index import writing

        with self._committed():
            pass
        with self._writing(Scope(collection)) as connection:
            number = reading.collection_id(connection, collection)
            if number is None:
                raise InputError(
                    f"There is no collection {collection!r} in the index at {self._path}.",
                    "`ragbraid index stats` names them all.",
                )
            writing.drop(connection, number)

    def _rewrite(self, change: Callable[[Connection], T], former: bool) -> T:
        """Change something and write everything anew without what is deleted; see `rewriting`."""
        from ragbraid.index import rewriting

        with self._alone_with_all():
            with self._store.writing() as connection:
                result = change(connection)
                rewriting.repack(connection, self._path, self._embedded.build, former)
                parts = [self._part(connection, *each) for each in reading.collections(connection)]
                for each in parts:
                    each.make_beside(connection)
            with self._committed() as connection:
                for each in parts:
                    each.take_over(connection)
            if not self._store.shrink():
                raise IndexLocked(
                    f"Another process has been reading an older state of the index at {self._path} for long, "
                    "so that its bytes are still on disk.",
                    "Run the command again when that is done.",
                )
            with self._store.writing() as connection:
                rewriting.tidy(connection, self._path)
                rewriting.note_purge(connection, under_way=False)
        return result

    @contextmanager
    def _alone_with_all(self) -> Iterator[None]:
        """Keep ingests and other writers away. Raises `IndexLocked` and `IndexMissing`."""
        with self._committed():
            pass
        lock = self._path / "writer.lock"
        with self.alone(self._busy), speaking(self._path), exclusive(lock, _WAIT_SECONDS):
            yield

    def _busy(self, holder: str, waited: float) -> None:
        if waited >= _WAIT_SECONDS:
            raise IndexLocked(
                f"Another process ({holder}) is ingesting into the index at {self._path}.",
                "Try again when it is done.",
            )

    def alone(self, busy: Callable[[str, float], None]) -> AbstractContextManager[None]:
        """Keep ingests away."""
        raise NotImplementedError

    def _committed(self) -> AbstractContextManager[Connection]:
        raise NotImplementedError

    def _writing(self, scope: Scope) -> AbstractContextManager[Connection]:
        raise NotImplementedError

    def _part(self, connection: Connection, name: str, collection: int) -> Derived:
        raise NotImplementedError


def _counted(head: dict[str, Any]) -> list[CollectionStats]:
    """What is in each collection of an export."""
    from ragbraid.index.upkeep import CollectionStats

    counts = head["collections"].items()
    return [CollectionStats(name, each["documents"], each["chunks"]) for name, each in counts]
