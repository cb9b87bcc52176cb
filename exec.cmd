@rem The scripts of package.json begin with `exec`, a command of POSIX shells. Windows' shell finds this file instead, and says why it goes no further.
@echo rollbook: Rollbook does not run on Windows itself; use WSL 2 (a Linux of its own), or `docker compose up`. 1>&2
@exit /b 1
