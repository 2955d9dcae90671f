"""Every Prefect task: read what a ref points at, call one plain function, write, return a ref.

One file per stage: the cached task `<stage>_task`, and the call that a flow makes. A result is cached by
what decides it: the task's name, its version and its inputs (configurations, refs with sha256, scalars).
"""
