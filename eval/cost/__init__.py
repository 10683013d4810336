"""Cost: prices, scenarios and the model between them. Pure functions, no database, no network, no clock."""
