"""What the tests of the report make and take apart, written once."""


def cells_of(table: str) -> list[list[str]]:
    """Return the cells of a Markdown table, its header and its rule first; what stands below the table is left out."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
