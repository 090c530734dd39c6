"""Renders the licence, signs it with the key in KMS, writes it once."""

from zerotrip.licences.steps import sign_licence
from zerotrip.runtime.batch import step_handler
from zerotrip.runtime.wiring import signing

handler = step_handler("sign_licence", sign_licence, signing)
