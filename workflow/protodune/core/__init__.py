"""What every room stands on: errors, settings, files, tables; nothing of ours below it."""
