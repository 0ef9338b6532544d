"""Which requests are refused before anything reads them: hosts, origins, and the form of a refusal."""
