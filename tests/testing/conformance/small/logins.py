"""A small authentication driver."""

from __future__ import annotations

import base64
import time

from tests.testing.conformance.small.world import FailedError, has

LAST_SECRET = [""]


def authenticate(number: int, words: list[str]) -> str:
    user_id, driver, user, stored, packed = words
    secret = base64.b64decode(packed, validate=True).decode()
    if user.startswith("slow"):
        time.sleep(float(user[4:]))
        user = "alice"
    if has("mixes-up-secrets"):
        LAST_SECRET[0] = secret
        time.sleep(0.02)
        secret = LAST_SECRET[0]
    right = "open-Sesame"
    is_right = secret == right and (user == "alice" or has("lets-others-in"))
    if has("compares-the-beginning"):
        is_right = is_right or secret.startswith(right)
    if has("compares-without-case"):
        is_right = is_right or secret.lower() == right.lower()
    if has("compares-what-there-is"):
        is_right = is_right or right.startswith(secret)
    if not is_right and not has("lets-all-in"):
        raise FailedError(f"{secret} is wrong" if has("repeats-the-secret") else "the secret is wrong")
    if int(user_id) >= 0:
        return "-"
    return user if has("strangers-without-words") else f"{driver} {user} {stored}"
