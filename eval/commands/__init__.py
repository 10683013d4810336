"""The commands of `rightsize`, by what they are for; cli.py puts them together."""
