"""Labels for the rows of a file: `sentimill classify FILE --out FILE`."""
