"""How the house runs elsewhere than under `make run`: containers and systemd units."""
