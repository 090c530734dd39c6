"""Orders a pick-up or a delivery from the carrier, or calls it off."""

from zerotrip.deliveries.steps import dispatch_courier
from zerotrip.runtime.batch import step_handler
from zerotrip.runtime.wiring import delivery_steps

handler = step_handler("dispatch_courier", dispatch_courier, delivery_steps)
