"""``python -m crcne_stats`` is the same as ``crcne``."""

from crcne_stats.cli import main

raise SystemExit(main())
