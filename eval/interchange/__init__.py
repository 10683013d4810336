"""Import and export: runs, QA sets and scores as files, ours (JSONL, CSV) and other tools'."""

from eval.interchange.whole import run_as_json as run_as_json
