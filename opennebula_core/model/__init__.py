"""The cloud's words: states, templates, expressions, rights and objects as values; standard library only."""
