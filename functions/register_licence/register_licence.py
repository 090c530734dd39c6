"""Checks the stored licence's own signature and hash, then registers it."""

from zerotrip.licences.steps import register_licence
from zerotrip.runtime.batch import storage_handler
from zerotrip.runtime.wiring import registering

handler = storage_handler("register_licence", register_licence, registering)
