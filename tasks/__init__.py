"""Stages of Sentimill, each plain code that runs with or without Prefect."""
