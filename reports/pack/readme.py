"""What stands in a pack for whoever opens it: README.txt."""

TEXT = """\
Evidence pack of Opitios: account {account}, {day} (UTC)
made {made_at} by {made_by}

What happened in this account on this day, and what is needed to check that none of it was changed since it was sealed.

To check it, with nothing but Python 3.9 or newer, here or on any other machine:

    python3 verify.py PACK.zip

or, in an empty directory that the pack was unpacked to:

    python3 verify.py

It prints what holds and what does not. With --key KEY it trusts the public key that you wrote down when the system was
set up instead of the one in here, and with --checkpoints FILE the checkpoints that you kept: who has every right in the
database and the signing key too can make this pack anew, but not what you kept.

events/NAME.jsonl   the rows as they were sealed, one a line: order_events (what happened to orders), operations (what
                    is no order), account_type_changes, config_changes (of this day; {withheld} that name other
                    accounts are left out). A row is of the day that it occurred on. What is not sealed stands last.
leaves/NAME.jsonl   for every seal and part (a table's month): the hashes of all its rows, and which of them are ours.
                    The others belong to other accounts, or to other days.
seals.jsonl         the seals, from the first that covers a row here to the last: the header as it was hashed, its hash
                    and its signature
checkpoints.jsonl   what was written outside the database when they were made
keys.txt            the public keys that they are signed with
reports/NAME.csv    the same day as reports, made from the database for reading: they are not sealed
manifest.json       what is in here, with sizes and SHA-256
verify.py           the check; it is short, read it first

Not proven by this pack: that no row of the account was left out of it (the system itself checks its whole trail with
"opitios audit verify"), what happened between a row and its seal, a few seconds later, and the reports.
"""
