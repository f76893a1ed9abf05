"""A made-up school, as the journal that the demonstration replays."""
