"""Formulas as answers write them: read into a tree, brought to an exact form, compared."""
