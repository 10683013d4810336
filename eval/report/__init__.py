"""The TCO as a report: charts and files made from a result's narrative."""
