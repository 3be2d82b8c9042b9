"""What can go wrong with the snapshot, by what its user can do about it."""


class SnapshotError(Exception):
    """The snapshot cannot do what was asked; the message names the file and the reason."""


class WriterBusyError(SnapshotError):
    """Another live process writes this database; its lock vanishes with it."""


class SnapshotFullError(SnapshotError):
    """No room for a commit: nothing of it was written, the last one stays, and it may be tried again."""


class SnapshotReplacedError(SnapshotError):
    """The file that this process has open is no longer the one at its path.

    Another process found it unreadable and began a new one. A process that sees this ends: started again, it
    publishes all it knows and reads all there is, as after any restart.
    """


class SnapshotBrokenError(SnapshotError):
    """The file holds bytes that no writer of ours wrote.

    A process that sees this ends. When the file is opened again it is checked, as after a crash, and replaced.
    """
