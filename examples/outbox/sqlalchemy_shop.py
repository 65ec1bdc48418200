"""A shop with SQLAlchemy, on SQLite or PostgreSQL: an order and its event in one session.

usage: sqlalchemy_shop.py URL     reads lines "NUMBER TOTAL" and tells what became of each order
"""
import json
import sys

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

ENGINE = create_engine(sys.argv[1])
IS_SQLITE = ENGINE.dialect.name == "sqlite"


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    number: Mapped[int] = mapped_column(primary_key=True)
    total: Mapped[int]


class OutboxEvent(Base):
    """A row of the outbox. Columns that are not named here have their defaults."""
    __tablename__ = "convoy_outbox" if IS_SQLITE else "outbox"
    __table_args__ = {} if IS_SQLITE else {"schema": "convoy"}
    id: Mapped[int] = mapped_column(primary_key=True)
    event_type: Mapped[str]
    data: Mapped[str]
    idempotency_key: Mapped[str | None]


def place_order(number, total):
    with Session(ENGINE) as session, session.begin():  # commits, or rolls back if anything fails
        session.add(Order(number=number, total=total))
        session.add(OutboxEvent(event_type="order.placed", idempotency_key=f"order-{number}",
                                data=json.dumps({"number": number, "total": total})))
        session.flush()
        if total <= 0:
            raise ValueError("an order must cost something")


def main():
    Base.metadata.create_all(ENGINE, tables=[Order.__table__])
    for line in sys.stdin:
        number, total = map(int, line.split())
        try:
            place_order(number, total)
            print(number, "placed", flush=True)
        except ValueError:
            print(number, "refused", flush=True)


if __name__ == "__main__":
    main()
