"""Rightsize measures: questions in, answers, timings, assessments and statistics out."""
