"""What was recorded, when and by whom: the facts of an attendance register and the words they are told in."""
