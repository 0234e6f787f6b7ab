"""Erasure in Dagster's storage: replaces account ids in all text columns (events, metadata, cursors, tags).

Runs and partitions stay: if the runs were deleted, their hours would look as if they had never been collected.
"""

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from metrics.errors import TidemarkError
from tidemark.erasure.words import Words


def erase_in_sqlite(folder: Path, words: Words) -> int:
    """Replace ids in every SQLite file below DAGSTER_HOME; return the number of rows that had one.

    Raises:
        TidemarkError: a file cannot be read, or has ids and cannot be written; the message names it.
    """
    return sum(_erase_in_file(path, words) for path in sorted(folder.rglob("*.db")))


def _erase_in_file(path: Path, words: Words) -> int:
    writable = os.access(path, os.W_OK)
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
    try:
        return erase_in_database(engine, words, checkpoint=writable)
    except sa.exc.OperationalError as error:
        raise TidemarkError(
            f"{path} cannot be read, or has ids and cannot be written ({error.orig}): run `tidemark erase --resume` "
            "as a user who may, or when Dagster has stopped"
        ) from None
    finally:
        engine.dispose()


def erase_in_postgres(url: str, words: Words) -> int:
    """Replace ids in Dagster's tables in Postgres; return the number of rows that had one.

    Raises:
        TidemarkError: Postgres does not answer, or refuses a statement.
    """
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg2://", 1))
    try:
        return erase_in_database(engine, words)
    except sa.exc.DBAPIError as error:
        raise TidemarkError(
            f"Dagster's Postgres refused a statement or does not answer ({type(error.orig).__name__}): run "
            "`tidemark erase --resume` when it is back"
        ) from None
    finally:
        engine.dispose()


def erase_in_database(engine: sa.Engine, words: Words, *, checkpoint: bool = True) -> int:
    """Replace ids in every text column; return the number of rows that had one.

    `checkpoint` empties SQLite's write-ahead log, which still has the former rows; it needs a writable file.
    """
    sqlite = engine.dialect.name == "sqlite"
    row_id: Any = sa.literal_column("rowid" if sqlite else "ctid")
    rows = 0
    if sqlite:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # Zero overwritten data, so that it does not stay on free pages.
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
            rows = _clean(connection, engine, row_id, words)
            if checkpoint:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return rows
    with engine.begin() as connection:
        return _clean(connection, engine, row_id, words)


def _clean(connection: sa.Connection, engine: sa.Engine, row_id: Any, words: Words) -> int:
    metadata, rows = sa.MetaData(), 0
    metadata.reflect(engine)
    for table in metadata.sorted_tables:
        for column in (column for column in table.columns if isinstance(column.type, sa.String)):
            for account_id in words.account_ids:
                wanted = sa.select(row_id, column).where(column.contains(account_id, autoescape=True))
                for key, text in connection.execute(wanted).all():
                    cleaned = words.cleaned(text)
                    if cleaned != text:
                        connection.execute(sa.update(table).where(row_id == key).values({column.name: cleaned}))
                        rows += 1
    return rows
