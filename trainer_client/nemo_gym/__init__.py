"""Touchstone as a resources server of NeMo Gym: copy `app.py` into a folder of Gym's."""
