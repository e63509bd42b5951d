"""Jobs: what was asked is kept in Redis with its verdicts, for any replica to answer from."""
