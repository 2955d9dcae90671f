"""Makes the scrubber's assets from packages of the Python index and annotated text; never needed at run time."""
