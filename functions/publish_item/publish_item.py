"""Offers a revision that two offices approved, from its day on."""

from zerotrip.catalogue.steps import publish_item
from zerotrip.runtime.batch import step_handler
from zerotrip.runtime.wiring import publish_deps

handler = step_handler("publish_item", publish_item, publish_deps)
