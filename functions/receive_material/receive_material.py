"""Checks an uploaded file by its bytes and attaches it to its open slot."""

from zerotrip.materials.steps import receive_material
from zerotrip.runtime.batch import storage_handler
from zerotrip.runtime.wiring import material_steps

handler = storage_handler("receive_material", receive_material, material_steps)
