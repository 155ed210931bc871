"""Where a value of a TOML file stands, and how a wrong one is told."""

from trading.toml_file import key_lines


def test_every_key_has_the_line_in_which_it_is_written():
    text = """# a comment
tick = 0.25

[costs] # of one contract
slippage = 1
fees.clearing = 0.1

[[sessions]]
name = "asia"

[[sessions]]
days = [
    1, # Tuesday
    2,
]
window = { starts = "09:00" }

[sessions.note]
text = '''
name = "no key"
'''
"""
    assert key_lines(text) == {
        ("tick",): 2,
        ("costs",): 4,
        ("costs", "slippage"): 5,
        ("costs", "fees"): 6,
        ("costs", "fees", "clearing"): 6,
        ("sessions",): 8,
        ("sessions", 0): 8,
        ("sessions", 0, "name"): 9,
        ("sessions", 1): 11,
        ("sessions", 1, "days"): 12,
        ("sessions", 1, "days", 0): 12,
        ("sessions", 1, "days", 1): 12,
        ("sessions", 1, "window"): 16,
        ("sessions", 1, "window", "starts"): 16,
        ("sessions", 1, "note"): 18,
        ("sessions", 1, "note", "text"): 19,
    }
