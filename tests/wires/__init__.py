"""Contract tests: the own client code of RL frameworks against a service of ours."""
