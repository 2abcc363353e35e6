"""The plugin's own tables; the core makes them when it first starts with the plugin."""

from __future__ import annotations

from peewee import CompositeKey, IntegerField, Model, TextField


class Token(Model):
    """What a scraper shows instead of a password; it reads metrics and can do nothing else.

    ``digest`` is the SHA-256 of the token in hexadecimal. Tokens have 256 random bits, so nothing slower is
    needed against guessing.
    """

    id = IntegerField(primary_key=True)
    uid = IntegerField()
    name = TextField()
    digest = TextField(unique=True)
    created = IntegerField()

    class Meta:
        table_name = "metrics_token"
        indexes = ((("uid", "name"), True),)


class StateChangeCount(Model):
    """How often objects of a kind have come into a state, since the plugin was installed."""

    kind = TextField()
    state = TextField()
    number = IntegerField()

    class Meta:
        table_name = "metrics_state_change"
        primary_key = CompositeKey("kind", "state")
        without_rowid = True
