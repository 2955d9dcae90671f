"""Makes the assets from packages of the Python index and annotated text; never needed at run time."""
