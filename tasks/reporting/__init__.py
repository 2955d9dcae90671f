"""What a run leaves for people to read: the report, the dataset card and the model card."""
