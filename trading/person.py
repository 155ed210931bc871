"""Who sits at the machine: the edges put it into journals beside what was done and why."""

import getpass


def login_name() -> str:
    """Return the login name of who runs this process, or "unknown" where the machine knows none."""
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):
        return "unknown"
