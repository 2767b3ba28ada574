"""What a run takes from the record of one before: to resume, to replay, to go on from a step."""
