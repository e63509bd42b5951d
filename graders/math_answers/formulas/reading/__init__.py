"""Answer notation read into a tree: text, tokens, pieces, terms, clauses."""
