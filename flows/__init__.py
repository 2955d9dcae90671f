"""The flows: what a run is, in one screen of calls each."""

from tasks.orchestration.environment import quiet_libraries

quiet_libraries()
