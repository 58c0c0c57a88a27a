"""The operating system's part: files, folders, locks, processors; everything on the disk goes through here."""
