"""The ledger: every credit that is granted, reserved and spent."""
