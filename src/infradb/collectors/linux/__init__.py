"""What any Linux machine says about itself: one shell script that reads, and pure functions that understand.

`facts.sh` prints raw facts in sections, `sections.py` splits them, `parse_….py` turn them into observations, `parse.py`
joins these into scopes. How the script gets to the machine is the business of whoever uses this.
"""
