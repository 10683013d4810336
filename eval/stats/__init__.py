"""Statistics: pure functions, no database, no network, no clock."""
