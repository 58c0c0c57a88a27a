"""Lists of small defects that the tests must find; `python -m benchmarks.mutants` plants them one by one."""
