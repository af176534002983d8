"""What was seen in a stream: recorder, tracks, summary."""
