"""The product's real handlers in one process, in virtual time, under a seed.

`scheduler` decides when, `faults` what goes wrong, `adapters` stand at the product's
ports, `cloud` carries messages as AWS documents it, `partners` are the sandboxes of the
laptop cloud, `people` apply and decide, `oracle` judges, `scenarios` say what is tried.
"""
