"""A shop with Django, on SQLite: an order and its event in one atomic block.

usage: django_shop.py shop.db     reads lines "NUMBER TOTAL" and tells what became of each order
"""
import sys

import django
from django.conf import settings

settings.configure(DATABASES={"default": {
    "ENGINE": "django.db.backends.sqlite3", "NAME": sys.argv[1],
    "OPTIONS": {"timeout": 60, "transaction_mode": "IMMEDIATE"}}})
django.setup()

from django.db import connection, models, transaction  # noqa: E402


class Order(models.Model):
    number = models.IntegerField(primary_key=True)
    total = models.IntegerField()

    class Meta:
        app_label, db_table = "shop", "orders"


class OutboxEvent(models.Model):
    """A row of the outbox; on PostgreSQL its db_table is '"convoy"."outbox"'."""
    event_type = models.TextField()
    data = models.JSONField()
    idempotency_key = models.TextField(null=True)

    class Meta:
        app_label, db_table = "shop", "convoy_outbox"
        managed = False  # made by the SQL of docs/outbox.md, in a migration of the host's


def place_order(number, total):
    with transaction.atomic():  # commits, or rolls back if anything fails
        Order(number=number, total=total).save(force_insert=True)
        OutboxEvent.objects.create(event_type="order.placed", idempotency_key=f"order-{number}",
                                   data={"number": number, "total": total})
        if total <= 0:
            raise ValueError("an order must cost something")


if Order._meta.db_table not in connection.introspection.table_names():
    with connection.schema_editor() as editor:
        editor.create_model(Order)
for line in sys.stdin:
    order = [int(word) for word in line.split()]
    try:
        place_order(*order)
        print(order[0], "placed", flush=True)
    except ValueError:
        print(order[0], "refused", flush=True)
