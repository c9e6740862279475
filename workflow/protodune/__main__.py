"""``python -m protodune``."""

from protodune.cli import main

raise SystemExit(main())
