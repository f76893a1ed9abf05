"""What people may ask of the ledger, and the doors they come by."""
