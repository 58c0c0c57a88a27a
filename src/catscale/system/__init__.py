"""What the operating system gives: files, folders, locks, processors; everything on the disk goes through here."""
