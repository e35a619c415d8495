"""Decision records keep one form, so that a reader finds what enforces each of them."""

import re
from collections.abc import Iterator

from tools.source_tree import Finding, SourceTree

RECORD = re.compile(r"^docs/decisions/\d{4}-[a-z0-9-]+\.md$")
INDEX = "docs/decisions/README.md"
SECTIONS = ("Context", "Decision", "Consequences", "Enforced by")


def decisions_are_whole(tree: SourceTree) -> Iterator[Finding]:
    """Demand the four sections in each record, something under each of them, and a line in the index."""
    index = next((file.text for file in tree.files if file.path == INDEX), "")
    for file in tree.files:
        if not RECORD.match(file.path):
            continue
        for section in SECTIONS:
            if not re.search(rf"^## {section}\n+(?!#)\S", file.text, re.MULTILINE):
                yield Finding(file.path, 1, "decisions are whole", f"write the section `## {section}`")
        if file.path.rpartition("/")[2] not in index:
            yield Finding(file.path, 1, "decisions are whole", f"add its line to {INDEX}")
