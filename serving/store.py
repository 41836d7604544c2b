"""What a server must not forget: jobs and keys, in SQLite or in any database that SQLAlchemy speaks to."""

import time
import uuid
from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import JSON, Engine, Float, Integer, String, create_engine, delete, event, func, select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

__all__ = ["DATABASE_AWAY", "FINAL_STATES", "Job", "JobState", "Key", "Store"]

JobState = Literal["arriving", "queued", "running", "done", "failed", "cancelled"]
FINAL_STATES: tuple[JobState, ...] = ("done", "failed", "cancelled")

DATABASE_AWAY = (OperationalError, InterfaceError)
"""What is raised while a database cannot be reached."""

_MOST_ATTEMPTS = 3


class _Base(DeclarativeBase):
    pass


class Job(_Base):
    """A movie to analyze.

    Attributes:
        id: Hexadecimal.
        created_s: Unix time.
        state: One of `JobState`.
        movie: Name of the movie, for people.
        place: Key of an upload among the files, or a path under one of the roots.
        uploaded: Whether it is an upload.
        options: Of the analysis.
        done, total: Frames.
        error: What went wrong; empty where nothing did.
        cancelling: Whether somebody asked for its end.
        attempts: How often it was begun.
    """

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    created_s: Mapped[float] = mapped_column(Float, index=True)
    state: Mapped[str] = mapped_column(String(10), index=True, default="queued")
    movie: Mapped[str] = mapped_column(String(300))
    place: Mapped[str] = mapped_column(String(2000))
    uploaded: Mapped[bool]
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    done: Mapped[int] = mapped_column(Integer, default=0)
    total: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[str] = mapped_column(String(2000), default="")
    cancelling: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(Integer, default=0)


class Key(_Base):
    """An API key.

    Attributes:
        id: Its part that is no secret.
        created_s: Unix time.
        name: Whose it is.
        digest: SHA-256 of its secret.
        scopes: What it is good for, with commas.
        revoked: Whether it is good for nothing any more.
    """

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    created_s: Mapped[float]
    name: Mapped[str] = mapped_column(String(100))
    digest: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[str] = mapped_column(String(200))
    revoked: Mapped[bool] = mapped_column(default=False)


class Store:
    """Jobs and keys in a database; safe to use from several threads.

    Args:
        url: As SQLAlchemy takes it: sqlite:///FILE, postgresql+psycopg://USER@HOST/NAME.
    """

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, pool_pre_ping=True)
        if self._engine.dialect.name == "sqlite":
            _make_durable(self._engine)
        _Base.metadata.create_all(self._engine)

    def add(self, movie: str, place: str, uploaded: bool, options: dict[str, Any], *, ready: bool = True) -> Job:
        """A new job, queued; or not yet ready, while its upload is put away."""
        job = Job(
            id=uuid.uuid4().hex,
            created_s=time.time(),
            state="queued" if ready else "arriving",
            movie=movie,
            place=place,
            uploaded=uploaded,
            options=options,
        )
        with self._session() as session:
            session.add(job)
            session.commit()
        return job

    def ready(self, job_id: str, place: str) -> None:
        """Queue a job whose upload is there."""
        self._set(job_id, state="queued", place=place)

    def forget(self, job_id: str) -> None:
        """Delete a job that has ended."""
        with self._session() as session:
            session.execute(delete(Job).where(Job.id == job_id, Job.state.in_(FINAL_STATES)))
            session.commit()

    def job(self, job_id: str) -> Job | None:
        """A job as it is now."""
        with self._session() as session:
            return session.get(Job, job_id)

    def jobs(self, most: int = 100) -> Sequence[Job]:
        """The newest."""
        with self._session() as session:
            return session.scalars(select(Job).order_by(Job.created_s.desc()).limit(most)).all()

    def waiting(self) -> int:
        """How many are queued."""
        with self._session() as session:
            return session.scalar(select(func.count()).where(Job.state == "queued")) or 0

    def take(self) -> Job | None:
        """The oldest that is queued, from now on running; two takers never get the same."""
        with self._session() as session:
            while True:
                job = session.scalars(select(Job).where(Job.state == "queued").order_by(Job.created_s).limit(1)).first()
                if job is None:
                    return None
                mine = update(Job).where(Job.id == job.id, Job.state == "queued")
                taken = session.execute(mine.values(state="running", attempts=Job.attempts + 1))
                session.commit()
                if taken.rowcount:  # type: ignore[attr-defined]
                    session.refresh(job)
                    return job

    def progress(self, job_id: str, done: int, total: int) -> bool:
        """Note how far a job is; returns whether it is to end."""
        self._set(job_id, done=done, total=total)
        job = self.job(job_id)
        return job is None or job.cancelling

    def finish(self, job_id: str, state: JobState, error: str = "") -> None:
        """A running job's end."""
        self._set(job_id, state=state, error=error[:2000])

    def cancel(self, job_id: str) -> None:
        """End a job: at once where it waits, soon where it runs, not at all where it has ended."""
        with self._session() as session:
            ended = update(Job).where(Job.id == job_id, Job.state == "queued").values(state="cancelled")
            ending = update(Job).where(Job.id == job_id, Job.state == "running").values(cancelling=True)
            session.execute(ended)
            session.execute(ending)
            session.commit()

    def put_back(self, job_id: str | None = None) -> None:
        """Queue a running job again, or all of them, as after a crash; one that was begun too often has failed."""
        with self._session() as session:
            running = select(Job).where(Job.state == "running")
            for job in session.scalars(running if job_id is None else running.where(Job.id == job_id)):
                if job.cancelling:
                    job.state = "cancelled"
                elif job.attempts >= _MOST_ATTEMPTS:
                    job.state, job.error = "failed", f"it was begun {job.attempts} times, and broke off each time."
                else:
                    job.state, job.done = "queued", 0
            if job_id is None:
                broken = "the server went down while the movie came: send it again."
                session.execute(update(Job).where(Job.state == "arriving").values(state="failed", error=broken))
            session.commit()

    def add_key(self, key: Key) -> None:
        """Keep a key."""
        with self._session() as session:
            session.add(key)
            session.commit()

    def key(self, key_id: str) -> Key | None:
        """A key by its id."""
        with self._session() as session:
            return session.get(Key, key_id)

    def all_keys(self) -> Sequence[Key]:
        """All keys, the oldest first."""
        with self._session() as session:
            return session.scalars(select(Key).order_by(Key.created_s)).all()

    def revoke(self, key_id: str) -> bool:
        """Make a key good for nothing; returns whether there is one."""
        with self._session() as session:
            found = session.execute(update(Key).where(Key.id == key_id).values(revoked=True))
            session.commit()
            return bool(found.rowcount)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _set(self, job_id: str, **values: Any) -> None:
        with self._session() as session:
            session.execute(update(Job).where(Job.id == job_id).values(**values))
            session.commit()

    def _session(self) -> Session:
        return Session(self._engine, expire_on_commit=False)


def _make_durable(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
