"""A local server that speaks the OpenAI API with known latencies and answers, for the demo and the tests."""
