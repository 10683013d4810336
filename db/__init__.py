"""Rightsize stores: tables, reads and writes of one database; knows nothing of models or pages."""
