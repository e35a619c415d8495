"""Evidence packs: an account's day as one file, with all that is needed to check it on another machine."""
