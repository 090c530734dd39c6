"""The laptop cloud: the same template as in AWS, on one machine, without an account."""
