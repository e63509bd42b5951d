"""The ways to run a job; entered through the door of the room only."""
